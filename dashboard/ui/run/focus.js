// The enlarged view of one panel, in place of the grid; the header and the strip stay.
import { download, fill, h } from "../dom.js";
import { openFocus } from "../charts/index.js";
import { readTheme } from "../theme.js";
import { formatCount } from "../numbers.js";
import { button, Words } from "../shell/buttons.js";
import { chooseRuns } from "./compare-choice.js";
import { entriesAround } from "./journal-entries.js";
import { entryRow, entryTools } from "./journal.js";
import { Others } from "./others.js";

const SHOWN = 100;

/** Opens over the grid's place and gives it back when it is closed. */
export class Focus {
  element = h("section", { class: "bv-focus", hidden: true, "aria-label": "Enlarged panel" });
  #chart = null;
  #back = null;
  #others = null;
  #off = [];
  #close = null; // the button
  #step = null; // where the person has clicked

  /** @param {() => void} onToggle */
  constructor(onToggle) {
    this.onToggle = onToggle;
    this.element.addEventListener(
      "keydown",
      (event) => event.key === "Escape" && !event.defaultPrevented && this.close(),
    );
  }

  get open() {
    return !this.element.hidden;
  }

  /** Gives it the keyboard. */
  take() {
    this.#close?.focus({ preventScroll: true });
  }

  /**
   * @param {import("./model.js").RunModel} model
   * @param {import("./panels.js").PanelSpec} panel
   * @param {object} view
   * @param {string[]} [compared] - ids of runs to compare with.
   */
  show(model, panel, view, compared = []) {
    this.close();
    this.#back = document.activeElement;
    const place = h("div", { class: "bv-focus-chart" });
    const help = panel.metric?.help?.split("\n")[0] ?? panel.spec?.help ?? "";
    const words = new Words();
    const entries = h("div", { class: "bv-list bv-focus-entries" });
    const close = (this.#close = button("Back to all panels", () => this.close(), { key: "Escape" }));
    const name = model.catalogue?.run.name ?? model.run;
    const others = (this.#others = new Others({ run: model.run, name }));
    compared.forEach((run) => others.add(run));
    const chosen = h("span", { class: "bv-chips" });
    const compare = button("Compare with…", () =>
      chooseRuns(compare, {
        run: model.run,
        name,
        chosen: others.ids,
        choose: (run, _, on) => (on ? others.add(run) : others.remove(run)),
      }),
    );
    compare.setAttribute("aria-haspopup", "dialog");
    const save = (label, kind, make) =>
      button(label, () =>
        words.follow(async () => download(fileName(model, panel, kind), await make()), {
          busy: "Writing the file…",
          done: () => "downloaded",
        }),
      );
    fill(
      this.element,
      h(
        "header",
        { class: "bv-focus-head" },
        h("h2", { text: panel.title }),
        h("span", { class: "bv-muted bv-focus-help", text: help, title: help }),
        words.element,
        chosen,
        compare,
        save("CSV", "csv", async () => new Blob([await this.#chart.exportCSV()], { type: "text/csv" })),
        save("PNG", "png", () => this.#chart.exportPNG()),
        close,
      ),
      place,
      entries,
    );
    this.element.hidden = false;
    this.onToggle();
    this.take();
    this.#step = null;
    const drawEntries = () => this.#drawEntries(model, entries, drawEntries);
    drawEntries();
    this.#off = ["journal", "connection"].map((event) => model.on(event, drawEntries));
    // A click into the chart takes the keyboard from its buttons: the key then comes from nowhere.
    const onKey = (event) => event.key === "Escape" && event.target === document.body && !event.defaultPrevented && this.close();
    document.addEventListener("keydown", onKey);
    this.#off.push(() => document.removeEventListener("keydown", onKey));
    const options = {
      spec: panel.spec,
      metric: panel.metric,
      store: model.store,
      view,
      title: panel.title,
      name: others.own,
      others: others.runs,
      theme: readTheme(),
      onStep: (step) => {
        this.#step = step;
        drawEntries();
      },
    };
    const drawOthers = () => {
      fill(chosen, others.runs.map((one) => chip(one, () => others.remove(one.run))));
      this.#chart?.update({ name: others.own, others: others.runs });
    };
    this.#off.push(others.on("change", drawOthers));
    drawOthers();
    words.follow(
      async () => {
        this.#chart = await openFocus(place, options);
        if (others.runs.length) drawOthers();
      },
      { busy: "Opening the chart…" },
    );
  }

  /** The whole journal, or where the person has clicked what changed around there. */
  #drawEntries(model, place, again) {
    const around = this.#step !== null;
    const chosen = around ? entriesAround(model.journal, this.#step) : model.journal.slice(-SHOWN);
    const tools = entryTools(model, { onStep: (step, entry) => this.#chart?.pointAt(step, entry.time) });
    const all = h("button", {
      type: "button",
      class: "bv-link",
      text: "All entries",
      onclick: () => {
        this.#step = null;
        this.#chart?.pointAt(null);
        again();
      },
    });
    const words = around ? `What changed around step ${formatCount(this.#step)}` : "Journal";
    const hint = "Click a point of the chart to see what changed around it.";
    fill(
      place,
      model.journal.length || around
        ? [
            h("header", { class: "bv-row" }, h("h3", { text: words }), around ? all : h("span", { class: "bv-muted", text: hint })),
            chosen.length
              ? chosen.toReversed().map((entry) => entryRow(entry, tools))
              : h("p", { class: "bv-muted", text: "Nothing was done to the run before this step." }),
          ]
        : "",
    );
  }

  close() {
    if (!this.open) return;
    this.#chart?.destroy();
    this.#chart = null;
    this.#close = null;
    this.#others?.clear();
    this.#others = null;
    this.#off.forEach((off) => off());
    this.element.hidden = true;
    fill(this.element);
    this.onToggle();
    if (this.#back?.isConnected) this.#back.focus({ preventScroll: true });
  }
}

function chip({ label }, remove) {
  return h("button", { type: "button", class: "bv-chip", "aria-label": `No longer compare with ${label}`, text: `${label} ×`, onclick: remove });
}

/** `digits-cnn-loss-12480.csv`: of which run, what, until which step. */
export function fileName(model, panel, kind) {
  const words = [model.catalogue?.run.name ?? "run", panel.title, model.status ? String(model.status.step) : ""];
  return `${words
    .filter(Boolean)
    .join("-")
    .replace(/[^\w.-]+/g, "_")}.${kind}`;
}
