// A change of a hyperparameter: what was asked, what came of it in words, and the way back.
import { h, show } from "../dom.js";
import { formatCount } from "../numbers.js";
import { button, Words } from "../shell/buttons.js";
import { exactValue } from "./values.js";

/** Where a form says what its change did. */
export class Change {
  #model;
  #words = new Words();
  #undo;
  #back = null; // what undoes the last change
  element;

  constructor(model) {
    this.#model = model;
    this.#undo = button("Undo", () => this.#undoIt());
    this.element = h("div", { class: "bv-row bv-change" }, this.#words.element, this.#undo);
    show(this.#undo, false);
  }

  say(text, tone) {
    this.#words.say(text, tone);
  }

  /**
   * Sets a value.
   *
   * @param {object} content - of `setHyperparameter`.
   * @param {string} name - with its group.
   * @returns {Promise<boolean>} whether it was taken.
   */
  async set(content, name) {
    const back = this.#wayBack(name);
    const reply = await this.#ask("setHyperparameter", content, "Takes hold at the next step…", (answer) =>
      setSentence(answer, name, content),
    );
    if (reply) this.#offer(back);
    return Boolean(reply);
  }

  /** Gives it back to whoever had it before a person did. */
  async release(name) {
    const back = this.#wayBack(name);
    const reply = await this.#ask("releaseHyperparameter", { name }, "Released at the next step…", (answer) =>
      releaseSentence(answer, name),
    );
    if (reply) this.#offer(back);
  }

  destroy() {
    this.#back = null;
  }

  #offer(back) {
    this.#back = back;
    show(this.#undo, true);
  }

  async #undoIt() {
    const back = this.#back;
    if (!back) return;
    show(this.#undo, false);
    this.#back = null;
    await this.#ask(back.method, back.content, "Undone at the next step…", (answer) =>
      back.method === "setHyperparameter"
        ? `Undone: ${setSentence(answer, back.content.name, back.content)}`
        : `Undone: ${releaseSentence(answer, back.content.name)}`,
    );
  }

  #ask(method, content, busy, done) {
    show(this.#undo, false);
    return this.#words.follow((signal) => this.#model.request(method, content, { signal }), { busy, done });
  }

  /** What puts back how it is now. */
  #wayBack(name) {
    const info = this.#model.hyperparameters.find((one) => one.name === name);
    if (info?.owner === "person" && info.requested !== null && info.requested !== undefined) {
      const { requested, mode } = info;
      const content = { name, value: requested, mode: mode || "override", reason: "undo" };
      return { method: "setHyperparameter", content };
    }
    return { method: "releaseHyperparameter", content: { name } };
  }
}

/** "lr is 0.005 since step 12 481, read back." */
export function setSentence({ data, step }, name, { at }) {
  const { applied, value, note = "" } = data && typeof data === "object" ? data : {};
  const now = applied ?? value;
  if (at && (step === null || step < at)) {
    return note || `${name} will be ${exactValue(data?.requested ?? now)} from step ${formatCount(at)} on.`;
  }
  const since = step === null ? "" : ` since step ${formatCount(step)}`;
  return [`${name} is ${exactValue(now)}${since}, read back.`, note].filter(Boolean).join(" ");
}

function releaseSentence({ data, step }, name) {
  const { applied, note = "" } = data && typeof data === "object" ? data : {};
  const since = step === null ? "" : ` at step ${formatCount(step)}`;
  const now = applied === undefined || applied === null ? "" : `; it is ${exactValue(applied)}, read back`;
  return [`${name} was released${since}${now}.`, note].filter(Boolean).join(" ");
}
