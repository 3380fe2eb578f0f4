// Several runs side by side: the same series of all on one chart, what differs in their configurations, what was done to each.
import { fill, h, setText } from "../dom.js";
import { formatCount, formatNumber } from "../numbers.js";
import { navigate } from "../navigate.js";
import { openFocus } from "../charts/index.js";
import { switchTheme } from "../theme.js";
import { button, Words } from "../shell/buttons.js";
import { closePopover } from "../shell/popover.js";
import { focusOn, skipLink } from "../shell/skip.js";
import { chooseRuns } from "../run/compare-choice.js";
import { homeLink } from "../run/header.js";
import { entryRow } from "../run/journal.js";
import { labelsOf } from "../run/labels.js";
import { RunModel } from "../run/model.js";
import { atTheEnd } from "../run/past.js";
import { stateBadge } from "../run/states.js";
import { differencesOf, pathOfRuns, sharedSeries } from "./differences.js";

const ENTRIES = 50;

/**
 * Shows the page in an element.
 *
 * @param {HTMLElement} element
 * @param {string} runs - the runs' ids, with commas between them.
 * @returns {{destroy: () => void}}
 */
export function mountComparePage(element, runs) {
  const page = new ComparePage(element, [...new Set(runs.split(",").filter(Boolean))]);
  return { destroy: () => page.destroy() };
}

class ComparePage {
  #models;
  #chart = null;
  #shown = "";
  #drawn = {};
  #series = h("select", { "aria-label": "Series", onchange: () => this.#open(true) });
  #words = new Words();
  #place = h("div", { class: "bv-focus-chart" });
  #runs = h("div", { class: "bv-compare-runs" });
  #config = h("section", { "aria-label": "Configurations" });
  #journals = h("section", { class: "bv-compare-journals", "aria-label": "Journals" });

  constructor(element, ids) {
    this.#models = ids.map((id) => new RunModel(id));
    const add = button("Runs…", () => this.#choose(add));
    add.setAttribute("aria-haspopup", "dialog");
    this.root = h(
      "div",
      { class: "bv-page bv-compare-page" },
      skipLink("Skip to the content", () => focusOn(this.root.querySelector("main"))),
      h(
        "header",
        { class: "bv-header" },
        h(
          "nav",
          { class: "bv-crumbs", "aria-label": "Where you are" },
          homeLink(() => navigate("/")),
          h("span", { class: "bv-crumb-mark", "aria-hidden": "true", text: "▸" }),
          h("h1", { class: "bv-run-name", text: "compare" }),
        ),
        h("label", { class: "bv-field" }, h("span", { text: "series" }), this.#series),
        this.#words.element,
        h("span", { class: "bv-spring" }),
        add,
        button("Light or dark", switchTheme, { icon: "theme", bare: true }),
      ),
      h("main", { class: "bv-compare" }, this.#runs, this.#place, this.#config, this.#journals),
    );
    element.replaceChildren(this.root);
    for (const model of this.#models) {
      model.on("catalogue", () => this.#draw());
      model.on("journal", () => this.#drawJournals());
      model.on("status", () => {
        this.#drawRuns();
        this.#drawConfig();
      });
      model.store.onChange(() => model.live || this.#drawConfig()); // what was recorded last comes after the catalogue
      model.on("refused", (error) => this.#words.say(error.message, "bad"));
    }
    document.title = "Compare · BIDViz";
    this.#draw();
  }

  destroy() {
    closePopover(false);
    this.#chart?.destroy();
    this.#models.forEach((model) => model.close());
    this.root.remove();
  }

  #names() {
    return labelsOf(this.#models.map(({ run, catalogue }) => ({ run, name: catalogue?.run.name ?? run })));
  }

  #choose(anchor) {
    const chosen = new Set(this.#models.map(({ run }) => run));
    chooseRuns(anchor, {
      run: "",
      name: this.#names()[0] ?? "",
      chosen,
      choose: (run, _, on) => {
        if (on) chosen.add(run);
        else chosen.delete(run);
        closePopover(false);
        navigate(chosen.size ? pathOfRuns([...chosen]) : "/");
      },
    });
  }

  #draw() {
    const series = sharedSeries(this.#models.map(({ catalogue }) => catalogue).filter(Boolean));
    const mark = series.map(({ name, count }) => `${name} ${count}`).join("\n");
    if (mark !== this.#shown) {
      this.#shown = mark;
      const chosen = this.#series.value;
      fill(
        this.#series,
        series.map(({ name, count }) =>
          h("option", { value: name, text: count < this.#models.length ? `${name} (${count} of ${this.#models.length})` : name }),
        ),
      );
      this.#series.value = series.some(({ name }) => name === chosen)
        ? chosen
        : (series.find(({ name }) => name === "loss")?.name ?? series[0]?.name ?? "");
    }
    this.#drawRuns();
    this.#drawConfig();
    this.#drawJournals();
    this.#open(false);
  }

  #open(anew) {
    const name = this.#series.value;
    const [first, ...rest] = this.#models;
    if (!name || !first?.catalogue) return;
    const names = this.#names();
    const others = rest.map(({ store }, i) => ({ store, label: names[i + 1] }));
    const known = !this.#fresh("others", names);
    if (this.#chart && !anew) {
      if (!known) this.#chart.update({ name: names[0], others });
      return;
    }
    this.#chart?.destroy();
    const spec = { bidviz_chart: 1, kind: "Line", series: [name], title: name };
    this.#chart = openFocus(this.#place, { spec, store: first.store, title: name, name: names[0], others });
  }

  /** Whether something is not as it was when it was last asked: only then is it drawn again. */
  #fresh(key, what) {
    const mark = JSON.stringify(what);
    if (this.#drawn[key] === mark) return false;
    this.#drawn[key] = mark;
    return true;
  }

  #drawRuns() {
    const names = this.#names();
    const facts = this.#models.map(({ status }) => (status ? `step ${formatCount(status.step)} · loss ${formatNumber(status.loss)}` : ""));
    if (!this.#fresh("runs", [names, this.#models.map(({ status }) => status?.state)])) {
      this.#runs.querySelectorAll(".bv-number").forEach((element, i) => setText(element, facts[i]));
      return;
    }
    fill(
      this.#runs,
      this.#models.map(({ run, status }, i) =>
        h(
          "a",
          {
            class: "bv-compare-run",
            href: `/run/${encodeURIComponent(run)}`,
            onclick: (event) => {
              if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
              event.preventDefault();
              navigate(`/run/${encodeURIComponent(run)}`);
            },
          },
          h("strong", { text: names[i] }),
          stateBadge(status?.state ?? "unknown"),
          h("span", { class: "bv-muted bv-number", text: facts[i] }),
        ),
      ),
    );
  }

  /** As they are; of a run that is over, as its last update had them, the same as on its own page. */
  #hyperparameters(i) {
    const model = this.#models[i];
    return model.hyperparameters.map((told) => atTheEnd(model, told).info);
  }

  #drawConfig() {
    const rows = differencesOf(
      this.#models.map(({ catalogue }, i) => catalogue && { ...catalogue, hyperparameters: this.#hyperparameters(i) }),
      this.#models.map(({ status, live }) => status !== null && !live),
    );
    const names = this.#names();
    if (!this.#fresh("config", [names, rows])) return;
    fill(
      this.#config,
      h("h2", { text: "What differs" }),
      rows.length
        ? h(
            "div",
            { class: "bv-scroll-x" },
            h(
              "table",
              { class: "bvc-table" },
              h("thead", null, h("tr", null, h("th"), names.map((name) => h("th", { scope: "col", text: name })))),
              h(
                "tbody",
                null,
                rows.map(({ key, values }) =>
                  h("tr", null, h("th", { scope: "row", text: key }), values.map((value) => h("td", { text: value }))),
                ),
              ),
            ),
          )
        : h("p", { class: "bv-muted", text: "Nothing in what the scripts gave as config, nor in the hyperparameters." }),
    );
  }

  #drawJournals() {
    const names = this.#names();
    if (!this.#fresh("journals", [names, this.#models.map(({ journal }) => journal.length)])) return;
    fill(
      this.#journals,
      this.#models.map(({ journal }, i) =>
        h(
          "div",
          { class: "bv-list" },
          h("h2", { text: `Journal of ${names[i]}` }),
          journal.length
            ? journal.slice(-ENTRIES).reverse().map((entry) => entryRow(entry))
            : h("p", { class: "bv-muted", text: "Nothing was done to it." }),
        ),
      ),
    );
  }
}
