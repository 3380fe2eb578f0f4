// One policy: its rule, what it gives now, its course, and whether it is in force.
import { withoutMarks } from "../code-words.js";
import { h, setText, show } from "../dom.js";
import { formatCount, formatExact, formatNumber, spacedNumbers } from "../numbers.js";
import { button, refuse, Words } from "../shell/buttons.js";
import { pastOf } from "./past.js";
import { POINTS, Sparkline } from "./sparkline.js";
import { armContent } from "./policy-request.js";
import { who } from "./states.js";

const LOOK_BACK = 2000; // steps in the small curve
const STATES = {
  armed: { word: "armed", tone: "good" },
  pinned: { word: "pinned", tone: "warn" },
  disarmed: { word: "disarmed", tone: "bad" }, // by an error
};
const BY_A_PERSON = { word: "disarmed", tone: "muted" };

/** A card; it stays for a while after a disarm, with the way back. */
export class PolicyRow {
  #model;
  #policy = null;
  #target;
  #asking = false; // a request is under way
  #gone = null; // what was disarmed here, to arm it again
  #state = h("span", { class: "bv-tag" });
  #value = h("span", { class: "bv-hyper-value bv-number" });
  #rule = h("code", { class: "bv-policy-rule" });
  #note = h("p", { class: "bv-policy-note" });
  #about = h("p", { class: "bv-hint bv-number" });
  #spark = new Sparkline();
  #words = new Words();
  #edit;
  #disarm;
  #undo;
  #release;
  #share;

  constructor(model, target, actions) {
    this.#model = model;
    this.#target = target;
    this.#edit = button("Edit", actions.edit);
    this.#disarm = button("Disarm", () => this.#disarmIt());
    this.#undo = button("Undo", () => this.#armAgain());
    this.#release = button("Release", () => this.#releaseIt());
    this.#share = button("Share…", () => actions.share(this.#target));
    this.element = h(
      "article",
      { class: "bv-item bv-policy", role: "listitem", dataset: { target } },
      h(
        "header",
        { class: "bv-policy-head" },
        h("strong", { text: target }),
        this.#state,
        h("span", { class: "bv-spring" }),
        this.#spark.element,
        this.#value,
      ),
      this.#rule,
      this.#note,
      this.#about,
      h("div", { class: "bv-row bv-actions" }, this.#edit, this.#release, this.#disarm, this.#share, this.#words.element, this.#undo),
    );
    show(this.#undo, false);
  }

  /** Whether its words or its way back are still wanted. */
  get busy() {
    return this.#gone !== null || this.#asking;
  }

  /** @param {object|null} policy - null once it is gone. */
  update(policy) {
    if (policy && policy.since === this.#gone?.since) policy = null; // a beat from before the disarm
    if (policy) this.#gone = null;
    this.#policy = policy;
    const shown = policy ?? this.#gone;
    if (!shown) return;
    const state = policy ? (STATES[policy.state] ?? STATES.armed) : BY_A_PERSON;
    setText(this.#state, state.word);
    this.#state.className = `bv-tag bv-tone-${state.tone}`;
    const value = policy?.value ?? null;
    setText(this.#value, value === null ? "" : formatNumber(value));
    this.#value.title = value === null ? "" : `gave ${formatExact(value)} last`;
    setText(this.#rule, ruleText(shown));
    this.#rule.title = withoutMarks(shown.help);
    const note = policy?.note || (policy?.state === "pinned" ? PINNED : "");
    setText(this.#note, spacedNumbers(note));
    show(this.#note, Boolean(note));
    this.#note.className = `bv-policy-note bv-tone-${state.tone}`;
    setText(this.#about, aboutText(shown));
    const reason = this.#model.refusal("tune");
    refuse(this.#disarm, reason);
    refuse(this.#release, reason);
    show(this.#release, policy?.state === "pinned");
    show(this.#disarm, policy !== null);
    show(this.#share, policy !== null);
    refuse(this.#share, this.#model.refusal("code"));
    refuse(this.#edit, this.#model.refusal("view"));
    show(this.#edit, policy !== null);
    refuse(this.#undo, reason);
    show(this.#undo, policy === null);
    const step = this.#model.status?.step ?? 0;
    this.#spark.draw(pastOf(this.#model, this.#target, Math.max(0, step - LOOK_BACK), POINTS), step);
  }

  async #disarmIt() {
    const policy = this.#policy;
    this.#asking = true;
    const reply = await this.#words.follow(
      (signal) => this.#model.request("disarmPolicy", { name: this.#target }, { signal }),
      {
        busy: "Disarmed at the next step…",
        done: ({ step }) => `Disarmed${atStep(step)}; ${this.#target} is released.`,
      },
    );
    this.#asking = false;
    if (reply) this.#gone = policy; // not before: a beat that still knows it would be taken for one that came back
    this.update(reply ? null : policy);
  }

  /** Gives up the value that a person set, so that the policy goes on. */
  async #releaseIt() {
    await this.#words.follow((signal) => this.#model.request("releaseHyperparameter", { name: this.#target }, { signal }), {
      busy: "Released at the next step…",
      done: ({ step }) => `Released${atStep(step)}; the policy goes on.`,
    });
  }

  async #armAgain() {
    const content = armContent(this.#gone);
    await this.#words.follow((signal) => this.#model.request("armPolicy", content, { signal }), {
      busy: "Armed at the next step…",
      done: ({ step }) => {
        this.#gone = null;
        return `Armed again${atStep(step)}.`;
      },
    });
  }
}

const PINNED = "A person has set it by hand: the policy waits until it is released.";

/** The rule in a line: `weight_decay = 0.1 * lr`, `lr × cosine(period=100)`. */
export function ruleText({ target, formula, policy, parameters, mode }) {
  const given = Object.entries(parameters ?? {}).map(([name, value]) => `${name}=${value}`);
  return `${target} ${mode === "scale" ? "= base ×" : "="} ${formula || `${policy}(${given.join(", ")})`}`;
}

function aboutText({ low, high, author, since, origin }) {
  const has = (bound) => bound !== null && bound !== undefined;
  return [
    author && `by ${who(author)}`,
    since ? `since step ${formatCount(since)}` : "",
    has(low) && `at least ${formatNumber(low)}`,
    has(high) && `at most ${formatNumber(high)}`,
    origin,
  ]
    .filter(Boolean)
    .join(" · ");
}

function atStep(step) {
  return step === null || step === undefined ? "" : ` at step ${formatCount(step)}`;
}
