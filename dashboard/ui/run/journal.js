// Who did what to the run, when, at which step; newest first.
import { fill, h } from "../dom.js";
import { formatCount, formatTime } from "../numbers.js";
import { who } from "./states.js";

/** A drawer's content that follows the journal. */
export class JournalList {
  key = "journal";
  title = "Journal";
  #model;
  #off;
  #list = h("div", { class: "bv-list" });
  #filter = h("input", {
    type: "search",
    placeholder: "filter by words or author",
    "aria-label": "Filter the journal",
    oninput: () => this.#draw(),
  });
  element = h("div", null, h("div", { class: "bv-row" }, this.#filter), this.#list);

  /** @param {import("./model.js").RunModel} model */
  constructor(model) {
    this.#model = model;
    this.#off = model.on("journal", () => this.#draw());
    this.#draw();
  }

  destroy() {
    this.#off();
  }

  #draw() {
    const wanted = this.#filter.value.toLowerCase();
    const entries = this.#model.journal
      .filter((entry) => `${entry.author} ${entry.action} ${entry.summary}`.toLowerCase().includes(wanted))
      .toReversed();
    fill(
      this.#list,
      entries.length
        ? entries.slice(0, 500).map(entryRow)
        : h("p", { class: "bv-muted", text: wanted ? "Nothing fits." : "Nothing was done to this run yet." }),
    );
  }
}

/** One entry as a line, with what was given behind a fold. */
export function entryRow(entry) {
  const code = entry.detail?.code;
  const rest = Object.keys(entry.detail ?? {}).length ? JSON.stringify(entry.detail, null, 2) : "";
  return h(
    "article",
    { class: `bv-item bv-entry${entry.success ? "" : " bv-item-off"}` },
    h(
      "p",
      null,
      h("span", { class: "bv-number bv-muted", text: `step ${formatCount(entry.step)}` }),
      " ",
      entry.summary,
      entry.success ? "" : h("span", { class: "bv-tag bv-tone-bad", text: "refused" }),
    ),
    h("p", { class: "bv-muted", text: `${who(entry.author)} · ${formatTime(entry.time)}` }),
    (code || rest) &&
      h(
        "details",
        { class: "bv-fold" },
        h("summary", { text: code ? "Code" : "Detail" }),
        h("pre", { class: "bv-code", text: code || rest }),
      ),
  );
}
