// A change of a hyperparameter: what was asked, what came of it in words, and the way back.
import { h, show } from "../dom.js";
import { formatCount } from "../numbers.js";
import { button, refuse, Words } from "../shell/buttons.js";
import { aftermath, entryOf, takenUp, takenUpText } from "./change-after.js";
import { groupIn, policyOf } from "./steered.js";
import { plainValue } from "./values.js";

const NOT_YET = "used from the next update on"; // as a session says it

/** Where a form says what its change did. */
export class Change {
  #model;
  #words = new Words();
  #undo;
  #back = null; // what undoes the last change
  #done = null; // the last change, whose words stand here: what became of it is followed
  element;

  constructor(model) {
    this.#model = model;
    this.#undo = button("Undo", () => this.#undoIt());
    this.element = h("div", { class: "bv-row bv-change" }, this.#words.element, this.#undo);
    show(this.#undo, false);
  }

  /** Follows the run: what is said of a change holds only until something else takes its place. */
  update() {
    refuse(this.#undo, this.#model.refusal("tune"));
    if (!this.#done) return;
    const { hyperparameters, journal } = this.#model;
    if (this.#done.at && !this.#takeUp(takenUp(journal, this.#done))) return;
    this.#tellOfUse(hyperparameters);
    this.#tellOfPolicy();
    this.#done.entry ??= entryOf(journal, this.#done);
    const ownerOf = (name) => hyperparameters.find((one) => one.name === name)?.owner ?? "";
    const after = this.#done.entry ? aftermath(journal, this.#done.entry, ownerOf) : null;
    if (!after || after.text === this.#done.said) return;
    this.#done.said = after.text;
    this.#words.say(after.text, after.over ? "muted" : "good");
    if (!after.over) return;
    // Its way back leads to what was before it: taken now, it would undo what came after.
    this.#back = null;
    show(this.#undo, false);
  }

  /** A run that waits has no update that could use a value; once it goes on, that one did is said. */
  #tellOfUse(hyperparameters) {
    const { name, reply, content, told, said } = this.#done;
    const used = reply && !said && usedBy(reply, hyperparameters.find((one) => one.name === name), this.#model.step);
    if (!used) return;
    const text = setSentence(used, name, content);
    Object.assign(this.#done, { reply: null, text, told: false });
    if (!told) this.#words.say(text, "good");
  }

  /** A policy that waits is told of as soon as it is known: one that was armed just now may come after the answer. */
  #tellOfPolicy() {
    const { name, text, release, told } = this.#done;
    const waits = release || !text || told ? "" : waitingText(policyOf(this.#model.policies, name), name, this.#back ?? []);
    if (!waits) return;
    this.#done.told = true;
    this.#words.say(`${text} ${waits}`, "good");
  }

  /** A change that was to come took hold, or could not: says so, and whether it is to be followed from here on. */
  #takeUp(entry) {
    if (!entry) return false;
    this.#words.say(takenUpText(entry), entry.success ? "good" : "bad");
    this.#done = entry.success ? { ...this.#done, at: null, entry, text: takenUpText(entry) } : null;
    return entry.success;
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
    const [back, after] = [wayBack(this.#model, name), this.#lastEntry];
    const words = (answer) => setSentence(answer, name, content);
    const reply = await this.#ask("setHyperparameter", content, "Takes hold at the next step…", words);
    const at = reply?.step === null ? content.at : null;
    if (reply) this.#offer(back, { name, step: reply.step, at, after, release: false, text: words(reply), reply, content });
    return Boolean(reply);
  }

  /** Gives it back to whoever had it before a person did. */
  async release(name) {
    const [back, after] = [wayBack(this.#model, name), this.#lastEntry];
    const reply = await this.#ask("releaseHyperparameter", { name }, "Released at the next step…", (answer) =>
      this.#released(answer, name),
    );
    if (reply) this.#offer(back, { name, step: reply.step, after, release: true });
  }

  destroy() {
    this.#back = null;
    this.#done = null;
  }

  get #lastEntry() {
    return this.#model.journal.at(-1)?.number ?? 0;
  }

  #offer(back, done) {
    this.#back = back;
    this.#done = done;
    show(this.#undo, true);
    this.update();
  }

  async #undoIt() {
    const back = this.#back;
    if (!back) return;
    this.#back = null;
    for (const { method, content } of back) {
      const words = (answer) =>
        method === "setHyperparameter" ? setSentence(answer, content.name, content) : this.#released(answer, content.name);
      const done = (answer) => `Undone: ${words(answer)}`;
      if (!(await this.#ask(method, content, "Undone at the next step…", done))) return;
    }
  }

  /** What a release did; a policy that waited goes on. */
  #released(answer, name) {
    const policy = policyOf(this.#model.policies, name);
    return [releaseSentence(answer, name), isThere(policy) && `The policy ${ruleOf(policy)} has it again.`].filter(Boolean).join(" ");
  }

  #ask(method, content, busy, done) {
    this.#done = null;
    show(this.#undo, false);
    return this.#words.follow((signal) => this.#model.request(method, content, { signal }), { busy, done });
  }
}

/**
 * What puts a hyperparameter back to how it is now: one request, or one for each group where they are not alike.
 *
 * @param {{hyperparameters: object[]}} model
 * @param {string} name
 * @returns {{method: string, content: object}[]}
 */
export function wayBack({ hyperparameters }, name) {
  const names = hyperparameters.map((one) => one.name);
  const members = hyperparameters.filter((one) => one.name !== name && groupIn(one.name, names)[0] === name);
  const alike = new Set(members.map(({ owner, requested, mode }) => JSON.stringify([owner, requested, mode]))).size <= 1;
  const infos = alike ? hyperparameters.filter((one) => one.name === name) : members;
  return infos.map(backTo);
}

function backTo({ name, owner, requested, mode }) {
  if (owner !== "person" || requested === null || requested === undefined) {
    return { method: "releaseHyperparameter", content: { name } };
  }
  const content = { name, value: requested, mode: mode || "override", reason: "undo" };
  return { method: "setHyperparameter", content };
}

/**
 * "The policy 0.1 * lr waits: Undo or Release gives weight_decay back to it." A number set by hand does not take a policy away.
 *
 * @param {object|null} policy - the one on the hyperparameter.
 * @param {string} name
 * @param {{method: string}[]} back - what Undo does: it leads back to the policy only where nobody had set a number before.
 */
export function waitingText(policy, name, back) {
  if (!isThere(policy)) return "";
  const ways = back.every(({ method }) => method === "releaseHyperparameter") ? "Undo or Release gives" : "Release gives";
  return `The policy ${ruleOf(policy)} waits: ${ways} ${name} back to it.`;
}

function isThere(policy) {
  return policy !== null && policy !== undefined && policy.state !== "disarmed";
}

function ruleOf({ policy, formula }) {
  return policy ? policy.replaceAll("_", " ") : formula;
}

/** "lr is 0.005 since step 12 481, read back." What no update has used yet is not read back yet. */
export function setSentence({ data, step }, name, { at, mode, value }) {
  const { applied, used, requested, note = "" } = data && typeof data === "object" ? data : {};
  const factor = mode === "scale" ? ` (× ${plainValue(value)})` : "";
  if (step === null && at) {
    const asked = mode === "scale" ? `× ${plainValue(requested ?? value)}` : plainValue(requested ?? value);
    return sentences(`${name} will be ${asked} from step ${formatCount(at)} on.`, note);
  }
  const since = step === null ? "" : ` since step ${formatCount(step)}`;
  const read = JSON.stringify(used) === JSON.stringify(applied) ? ", read back" : "";
  return sentences(`${name} is ${plainValue(applied)}${factor}${since}${read}.`, note);
}

/**
 * The answer as it would have been had an update used the value by then; null while none has.
 *
 * @param {{data: object, step: number|null}} reply
 * @param {{used: *}|undefined} info - the hyperparameter now.
 * @param {number} present - the run's step.
 */
export function usedBy({ data, step }, info, present) {
  if (step === null || !data?.note?.includes(NOT_YET) || !info || !(present > step)) return null;
  if (JSON.stringify(info.used) !== JSON.stringify(data.applied)) return null;
  const note = data.note.split("; ").filter((one) => one !== NOT_YET).join("; ");
  return { data: { ...data, used: info.used, note }, step };
}

/** "lr was released at step 12 481; it was 0.007 then, read back." Whoever has it now may move it. */
export function releaseSentence({ data, step }, name) {
  const { applied, used, note = "" } = data && typeof data === "object" ? data : {};
  const since = step === null ? "" : ` at step ${formatCount(step)}`;
  const read = JSON.stringify(used) === JSON.stringify(applied) ? ", read back" : "";
  const now = applied === undefined || applied === null ? "" : `; it was ${plainValue(applied)} then${read}`;
  return sentences(`${name} was released${since}${now}.`, note);
}

function sentences(first, note) {
  if (!note) return first;
  const ended = /[.!?]$/.test(note) ? note : `${note}.`;
  return `${first} ${ended[0].toUpperCase()}${ended.slice(1)}`;
}
