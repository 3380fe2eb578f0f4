// The model's parameters: which there are, which are trained, and what a person can change about them, with undo.
import { fill, h, setText, show } from "../dom.js";
import { formatCount } from "../numbers.js";
import { button, refuse, Words } from "../shell/buttons.js";
import { summaryOf, undoReason } from "./journal-entries.js";

/** Each action: its word, what it does, and the value it takes, if any. */
const ACTIONS = [
  ["freeze", "Freeze", "They are not trained any more; the optimizer's state for them is kept."],
  ["unfreeze", "Unfreeze", "They are trained again."],
  ["initialize", "Initialise again", "They begin anew, and so does the optimizer's state for them."],
  ["scale", "Scale", "They are multiplied by the value.", "times"],
  ["clip", "Clip", "They are kept within plus and minus the value.", "within ±"],
  ["reset_state", "Reset the optimizer's state", "The optimizer forgets what it has gathered for them."],
];
const CHANGES = new Set(["changeModel", "undoModelChange", "restoreCheckpoint", "restartTraining", "branchCheckpoint"]);
const SHOWN = 300; // rows: a pattern finds the others

/** A side panel's content. */
export class Parameters {
  #model;
  #off = [];
  #listed = null;
  #pattern = h("input", {
    type: "text",
    class: "bv-code",
    spellcheck: "false",
    autocomplete: "off",
    placeholder: "encoder.*.weight",
    "aria-label": "Parameters",
    title: "A parameter's name, a module's (all that is in it), or a pattern with * and ?",
    oninput: () => this.#draw(),
    onkeydown: (event) => event.key === "Enter" && this.#apply(),
  });
  #action = h(
    "select",
    { "aria-label": "Action", onchange: () => this.#choose() },
    ACTIONS.map(([value, text]) => h("option", { value, text })),
  );
  #unit = h("span");
  #value = h("input", { type: "text", inputmode: "decimal", class: "bv-number", "aria-label": "Value" });
  #valueField = h("label", { class: "bv-field" }, this.#unit, this.#value);
  #button = button("Apply", () => this.#apply(), { primary: true });
  #help = h("p", { class: "bv-muted" });
  #words = new Words();
  #body = h("tbody");
  #more = h("p", { class: "bv-muted" });
  #undo = h("div", { class: "bv-list", role: "list", "aria-label": "Changes of the model" });
  element;

  /** @param {import("./model.js").RunModel} model */
  constructor(model) {
    this.#model = model;
    this.element = h(
      "div",
      { class: "bv-side-content bv-parameters" },
      h("div", { class: "bv-row" }, this.#pattern),
      h("div", { class: "bv-row" }, this.#action, this.#valueField, this.#button),
      this.#help,
      this.#words.element,
      h(
        "div",
        { class: "bv-scroll-x" },
        h(
          "table",
          { class: "bvc-table" },
          h("thead", null, h("tr", null, ["parameter", "shape", ""].map((text) => h("th", { scope: "col", text })))),
          this.#body,
        ),
      ),
      this.#more,
      this.#undo,
    );
    this.#off.push(
      model.on("journal", (entries) => entries.some(({ action }) => CHANGES.has(action)) && this.#list()),
      model.on("connection", (state) => {
        this.#refresh();
        if (state === "open") this.#list(); // it was asked for too early, or changed meanwhile
      }),
      model.on("status", () => this.#refresh()),
    );
    this.#choose();
    this.#list();
  }

  focus() {
    this.#pattern.focus();
  }

  destroy() {
    this.#off.forEach((off) => off());
  }

  async #list() {
    this.#drawChanges();
    try {
      const { data } = await this.#model.request("listParameters", {});
      if (!this.#listed) this.#words.clear(); // it could not be had before
      this.#listed = data;
    } catch (error) {
      if (!this.#listed) this.#words.say(error.message, "warn");
      return;
    }
    this.#draw();
  }

  #choose() {
    const [, , help, unit] = ACTIONS.find(([value]) => value === this.#action.value);
    show(this.#valueField, Boolean(unit));
    setText(this.#unit, unit ?? "");
    setText(this.#help, help);
    this.#refresh();
  }

  #refresh() {
    const reason = this.#model.refusal("code");
    refuse(this.#button, reason || (this.#pattern.value.trim() ? "" : "Say which parameters: a name, a module's name, or a pattern."));
    this.#undo.querySelectorAll("button").forEach((one) => refuse(one, reason || one.dataset.why || ""));
  }

  #draw() {
    const text = this.#pattern.value.trim();
    const chosen = (this.#listed ?? []).filter(({ name }) => !text || fitsPattern(name, text));
    fill(
      this.#body,
      chosen.slice(0, SHOWN).map(({ name, shape, trained, updated, type }) =>
        h(
          "tr",
          null,
          h("th", { scope: "row" }, h("button", { type: "button", class: "bv-link bv-code", text: name, onclick: () => this.#take(name) })),
          h("td", { class: "bv-number", text: shape.join("×") || "1", title: type }),
          h("td", { text: !trained ? "frozen" : updated ? "" : "in no optimizer" }),
        ),
      ),
    );
    const words = !this.#listed
      ? "Reading the model…"
      : !chosen.length
        ? "No parameter fits."
        : chosen.length > SHOWN
          ? `${formatCount(chosen.length - SHOWN)} more fit.`
          : text
            ? `${formatCount(chosen.length)} of ${formatCount(this.#listed.length)} fit.`
            : "";
    setText(this.#more, words);
    this.#refresh();
  }

  #take(name) {
    this.#pattern.value = name;
    this.#draw();
    this.#pattern.focus();
  }

  async #apply() {
    if (this.#button.getAttribute("aria-disabled") === "true") return;
    const [action, title, , unit] = ACTIONS.find(([value]) => value === this.#action.value);
    const value = unit ? Number(this.#value.value.replace(",", ".")) : null;
    if (unit && (this.#value.value.trim() === "" || !Number.isFinite(value))) {
      this.#words.say("The value is a number, such as 0.5.", "warn");
      this.#value.focus();
      return;
    }
    await this.#words.follow((signal) => this.#model.request("changeModel", { action, pattern: this.#pattern.value.trim(), value }, { signal }), {
      busy: `${title}…`,
      done: ({ data, step }) =>
        `${title}: ${formatCount(data.names.length)} ${data.names.length === 1 ? "parameter" : "parameters"}, at step ${formatCount(step)}.${data.note ? ` ${data.note}` : ""}`,
    });
  }

  #drawChanges() {
    const changes = this.#model.journal.filter(({ action, success }) => action === "changeModel" && success).slice(-20).reverse();
    fill(
      this.#undo,
      changes.map((entry) => {
        const why = undoReason(entry, this.#model.journal);
        const undo = button("Undo", () => this.#takeBack(entry.number));
        undo.dataset.why = why ?? "";
        return h(
          "div",
          { class: "bv-row", role: "listitem" },
          h("span", { class: "bv-spring", text: `step ${formatCount(entry.step)}: ${summaryOf(entry)}` }),
          undo,
        );
      }),
    );
    this.#refresh();
  }

  async #takeBack(number) {
    await this.#words.follow((signal) => this.#model.request("undoModelChange", { number }, { signal }), {
      busy: "Undoing…",
      done: ({ step }) => `Undone at step ${formatCount(step)}, to the bit.`,
    });
  }
}

/**
 * Whether a parameter is meant by a pattern, as the training understands it: a name, a module's name, or wildcards.
 *
 * @param {string} name
 * @param {string} pattern
 */
export function fitsPattern(name, pattern) {
  const text = pattern.replace(/[.+^${}()|\\]/g, "\\$&").replace(/\*/g, ".*").replace(/\?/g, ".").replace(/\[!/g, "[^");
  if (name.startsWith(`${pattern}.`)) return true;
  try {
    return new RegExp(`^${text}$`).test(name);
  } catch {
    return false; // a bracket that is still being typed
  }
}
