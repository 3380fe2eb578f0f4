// Discover without a run: bundles go into a training, so it is asked which.
import { fill, h, setText } from "../dom.js";
import { navigate, openDiscover } from "../navigate.js";
import { formatAge, formatCount } from "../numbers.js";
import { homeLink } from "../run/header.js";
import { stateBadge } from "../run/states.js";
import { button } from "../shell/buttons.js";
import { focusOn, skipLink } from "../shell/skip.js";
import { Connection } from "../socket/connection.js";
import { switchTheme } from "../theme.js";

/** The list of trainings that run now. */
export class RunChoice {
  #connection = new Connection("");
  #list = h("ul", { class: "bv-plain bv-run-choice", "aria-label": "Trainings that run now" });
  #said = h("p", { class: "bv-muted", role: "status", text: "Looking which trainings run…" });
  #drawn = "";

  constructor(element) {
    this.root = h(
      "div",
      { class: "bv-page bv-discover-page" },
      skipLink("Skip to the content", () => focusOn(this.root.querySelector("main"))),
      h(
        "header",
        { class: "bv-header" },
        h(
          "nav",
          { class: "bv-crumbs", "aria-label": "Where you are" },
          homeLink(() => navigate("/")),
          h("span", { class: "bv-crumb-mark", "aria-hidden": "true", text: "▸" }),
          h("h1", { class: "bv-run-name", text: "discover" }),
        ),
        h("span", { class: "bv-spring" }),
        button("Light or dark", switchTheme, { icon: "theme", bare: true }),
      ),
      h("main", { class: "bv-no-runs" }, h("h2", { text: "For which training?" }), this.#said, this.#list),
    );
    element.replaceChildren(this.root);
    document.title = "Discover · BIDViz";
    this.#connection.on("runs", (runs) => this.#draw(runs.filter(({ live }) => live)));
    this.#connection.on("open", () =>
      this.#connection.request("subscribeRuns").catch((error) => setText(this.#said, error.message)),
    );
    this.#connection.on("state", (state) => state === "lost" && setText(this.#said, "The connection to the dashboard is lost; it is tried again."));
  }

  destroy() {
    this.#connection.close();
    this.root.remove();
  }

  #draw(runs) {
    setText(
      this.#said,
      runs.length
        ? "Bundles are found and installed where a training runs, with the packages that it has."
        : "No training runs now. Start one, with bidviz.watch(model, optimizer) in its script, and it appears here.",
    );
    const mark = JSON.stringify(runs.map(({ run, status }) => [run.id, status.state]));
    if (mark === this.#drawn) return;
    this.#drawn = mark;
    fill(
      this.#list,
      runs.map(({ run, status }) =>
        h(
          "li",
          { class: "bv-item" },
          h(
            "header",
            null,
            h("button", { type: "button", class: "bv-link bv-item-name", text: run.name, onclick: () => openDiscover(run.id) }),
            stateBadge(status.state),
            h("span", { class: "bv-muted", text: `step ${formatCount(status.step)} · ${run.program} on ${run.host} · ${formatAge(run.started)}` }),
          ),
        ),
      ),
    );
  }
}
