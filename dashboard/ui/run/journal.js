// Who did what to the run, when, at which step; newest first. To be filtered, exported, and where it can be, undone.
import { download, fill, h } from "../dom.js";
import { crosshairOf } from "../charts/index.js";
import { formatCount, formatTime } from "../numbers.js";
import { button, refuse, Words } from "../shell/buttons.js";
import { authorsOf, fits, KINDS, kindOf, outcomeOf, saidBeside, summaryOf, undoReason } from "./journal-entries.js";
import { who } from "./states.js";

const SHOWN = 500;

/** A drawer's content that follows the journal. */
export class JournalList {
  key = "journal";
  title = "Journal";
  #model;
  #off;
  #words = new Words();
  #count = h("p", { class: "bv-muted", role: "status" });
  #list = h("div", { class: "bv-list" });
  #text = h("input", {
    type: "search",
    placeholder: "filter by words",
    "aria-label": "Filter the journal by words",
    oninput: () => this.#draw(),
  });
  #kind = choice("Filter by kind", "all kinds", () => this.#draw());
  #author = choice("Filter by author", "all authors", () => this.#draw());
  #drawn = "";

  /** @param {import("./model.js").RunModel} model */
  constructor(model) {
    this.#model = model;
    const replay = button("Replay file", () => this.#export("replay"), {
      title: "A file that bidviz.replay(path) does again in another run, at the same steps.",
    });
    const snippet = button("Python snippet", () => this.#export("python"), {
      title: "The changes and policies as a function schedule(step), to be pasted into the script.",
    });
    this.element = h(
      "div",
      null,
      h("div", { class: "bv-row" }, this.#text, this.#kind, this.#author),
      h("div", { class: "bv-row", role: "group", "aria-label": "Export" }, h("span", { class: "bv-muted", text: "Export:" }), replay, snippet, this.#words.element),
      this.#count,
      this.#list,
    );
    for (const [kind, words] of Object.entries(KINDS)) this.#kind.append(h("option", { value: kind, text: words }));
    this.#off = ["journal", "connection", "status"].map((event) => model.on(event, () => this.#draw()));
    this.#draw();
  }

  destroy() {
    this.#off.forEach((off) => off());
    crosshairOf(this.#model.store).point(null);
  }

  #export(form) {
    const name = this.#model.catalogue?.run.name ?? "run";
    const [file, type] = form === "python" ? [`${name}-schedule.py`, "text/x-python"] : [`${name}-journal.json`, "application/json"];
    this.#words.follow(
      async (signal) => {
        const { data } = await this.#model.request("exportJournal", { form }, { signal });
        download(file.replace(/[^\w.-]+/g, "_"), new Blob([data], { type }));
      },
      { busy: "Reading the run's file…", done: () => `${file} is downloaded.` },
    );
  }

  #draw() {
    const { journal } = this.#model;
    const filter = { words: this.#text.value.trim(), kind: this.#kind.value, author: this.#author.value };
    const refusal = this.#model.refusal("code");
    const over = Boolean(this.#model.status) && !this.#model.live;
    const mark = JSON.stringify([journal.length, filter, refusal, over]);
    if (mark === this.#drawn) return; // the status comes twice a second, and a fold that is open stays open
    this.#drawn = mark;
    const known = this.#author.options.length;
    for (const author of authorsOf(journal).slice(known - 1)) this.#author.append(h("option", { value: author, text: who(author) }));
    const entries = journal.filter((entry) => fits(entry, filter)).toReversed();
    const shown = entries.slice(0, SHOWN);
    const filtered = filter.words || filter.kind || filter.author;
    this.#count.textContent = !journal.length
      ? `Nothing was done to this run${over ? "" : " yet"}.`
      : !entries.length
        ? "Nothing fits."
        : filtered || shown.length < entries.length
          ? `${formatCount(shown.length)} of ${formatCount(journal.length)} entries`
          : "";
    fill(this.#list, shown.map((entry) => entryRow(entry, entryTools(this.#model, { refusal }))));
  }
}

/**
 * What a row can do on a run's page.
 *
 * @param {import("./model.js").RunModel} model
 * @param {{refusal?: string, onStep?: (step: number, entry: object) => void}} [options] - `onStep`: in place of pointing at the step
 *   in every chart.
 */
export function entryTools(model, { refusal = model.refusal("code"), onStep } = {}) {
  return {
    onStep: onStep ?? ((step) => crosshairOf(model.store).point(step)),
    undoReason: (entry) => {
      const reason = undoReason(entry, model.journal);
      return reason === "" ? refusal : reason;
    },
    undo: (entry, words) =>
      words.follow((signal) => model.request("undoModelChange", { number: entry.number }, { signal }), {
        busy: "Putting the copy back…",
        done: ({ step }) => `undone, since step ${formatCount(step)}`,
      }),
  };
}

/**
 * One entry as a line, with what was given behind a fold.
 *
 * @param {object} entry
 * @param {ReturnType<typeof entryTools>} [tools] - without them it is only to be read.
 */
export function entryRow(entry, tools = null) {
  const code = entry.detail?.code;
  const outcome = outcomeOf(entry);
  const rest = Object.keys(entry.detail ?? {}).length ? JSON.stringify(entry.detail, null, 2) : "";
  const text = `step ${formatCount(entry.step)}`;
  const step = tools
    ? h("button", { type: "button", class: "bv-link bv-number", text, title: "Show this step in the charts", onclick: () => tools.onStep(entry.step, entry) })
    : h("span", { class: "bv-number bv-muted", text });
  return h(
    "article",
    { class: `bv-item bv-entry${entry.success ? "" : " bv-item-off"}`, dataset: { number: entry.number, kind: kindOf(entry) } },
    h("p", null, step, " ", summaryOf(entry), outcome && [" ", h("span", { class: "bv-tag bv-tone-bad", text: outcome })]),
    h(
      "p",
      { class: "bv-muted" },
      [`#${entry.number}`, who(entry.author), formatTime(entry.time), KINDS[kindOf(entry)], outcome === "failed" && entry.detail?.error, ...saidBeside(entry)]
        .filter(Boolean)
        .join(" · "),
    ),
    undoPart(entry, tools),
    (code || rest) &&
      h(
        "details",
        { class: "bv-fold" },
        h("summary", { text: code ? "Code" : "Detail" }),
        h("pre", { class: "bv-code", text: code || rest }),
      ),
  );
}

function undoPart(entry, tools) {
  const reason = tools?.undoReason(entry) ?? null;
  if (reason === null) return null;
  const words = new Words();
  const undo = button("Undo", () => tools.undo(entry, words), { title: "Puts back weights, requires_grad and the optimizer's state from the kept copy." });
  refuse(undo, reason);
  return h("p", { class: "bv-row" }, undo, words.element);
}

function choice(label, all, onChange) {
  return h("select", { "aria-label": label, onchange: onChange }, h("option", { value: "", text: all }));
}
