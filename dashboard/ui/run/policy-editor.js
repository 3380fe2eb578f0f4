// The editor of a policy: its target, a formula or a named policy, its bounds, and the curve to come as one types.
import { h, setText, show } from "../dom.js";
import { formatCount, formatNumber, spacedNumbers } from "../numbers.js";
import { button, refuse, Words } from "../shell/buttons.js";
import { wayBack } from "./change.js";
import { joined, pastOf } from "./past.js";
import { PolicyCurve } from "./policy-curve.js";
import { PolicyForm } from "./policy-form.js";
import { Preview } from "./policy-preview.js";
import { armContent, columnsOf } from "./policy-request.js";
import { policyOf } from "./steered.js";
import { plainValue } from "./values.js";

/** Opened on a target, or on none for one to be chosen. */
export class PolicyEditor {
  #model;
  #form;
  #preview;
  #curve = new PolicyCurve();
  #coming = null; // the last curve that was had
  #dry = null;
  #stale = false;
  #problem = h("p", { class: "bv-words bv-policy-problem", role: "status", dataset: { tone: "bad" } });
  #note = h("p", { class: "bv-hint" });
  #byHand = h("p", { class: "bv-hint bv-tone-warn bv-policy-by-hand", role: "status" });
  #inPlace = h("p", { class: "bv-hint bv-tone-warn bv-policy-in-place", role: "status" });
  #meant; // the target whose policy a person opened, or has armed here
  #words = new Words();
  #title = h("h3");
  #arm;
  #dryRun;
  #disarm;
  #undo;
  #before = null; // what the last Arm replaced: a policy, a value set by hand
  element;

  /**
   * @param {import("./model.js").RunModel} model
   * @param {string} target
   * @param {{close: () => void, target: () => void}} actions
   */
  constructor(model, target, actions) {
    this.#model = model;
    this.#meant = target;
    this.#arm = button("Arm", () => this.#armIt(), { primary: true, key: "Ctrl-S" });
    this.#dryRun = button("Dry run", () => this.#runDry(), { key: "Ctrl-Enter" });
    this.#disarm = button("Disarm", () => this.#disarmIt());
    this.#undo = button("Undo", () => this.#undoIt());
    show(this.#undo, false);
    this.#preview = new Preview(model, { shown: (data) => this.#show(data), failed: (error) => this.#fail(error) });
    this.#form = new PolicyForm(model, target, {
      change: () => this.#changed(),
      arm: () => this.#armIt(),
      dryRun: () => this.#runDry(),
    });
    const [rule, rest] = this.#form.elements;
    this.element = h(
      "section",
      {
        class: "bv-policy-editor",
        "aria-label": "Policy",
        onkeydown: (event) => this.#onKey(event, actions.close),
      },
      h("header", { class: "bv-row" }, this.#title, h("span", { class: "bv-spring" }), button("Close", actions.close, { icon: "close", bare: true })),
      rule,
      this.#problem,
      this.#curve.element,
      this.#note,
      this.#inPlace,
      this.#byHand,
      rest,
      h(
        "footer",
        { class: "bv-policy-foot" },
        h("div", { class: "bv-row bv-actions" }, this.#arm, this.#disarm, this.#dryRun),
        h("div", { class: "bv-row" }, this.#words.element, this.#undo),
      ),
      this.#form.scope,
    );
    this.#changed();
  }

  focus() {
    this.#form.focus();
  }

  /** Follows the run: the present moves, the curve to come with it. */
  update() {
    const armed = policyOf(this.#model.policies, this.#form.target);
    const reason = this.#model.refusal("tune");
    const held = this.#held(this.#form.target);
    setText(this.#title, armed ? `Policy of ${this.#form.target}` : "New policy");
    const there = armed !== null && armed.state !== "disarmed";
    const label = there ? "Arm in its place" : "Arm";
    const other = there && this.#form.target !== this.#meant;
    setText(this.#inPlace, other ? `A policy of ${this.#form.target} is armed already: arming puts this one in its place.` : "");
    show(this.#inPlace, other);
    setText(this.#arm.querySelector("span"), held ? "Release and arm" : label);
    setText(this.#byHand, held ? heldWords(held) : "");
    show(this.#byHand, held !== null);
    refuse(this.#arm, reason || (this.#problem.textContent && this.#stale ? "It cannot be armed as it is: see above." : ""));
    refuse(this.#disarm, reason);
    refuse(this.#undo, reason);
    show(this.#disarm, armed !== null && armed.state !== "disarmed");
    const metrics = this.#form.readsMetrics;
    refuse(this.#dryRun, this.#model.refusal("view") || (metrics ? "" : "It reads no metric: the curve above says all."));
    const { step = 0 } = this.#model.status ?? {};
    if (this.#coming) this.#preview.refresh(step, () => this.#now().content);
    this.#draw();
  }

  destroy() {
    this.#preview.stop();
    this.#form.destroy();
  }

  #changed() {
    this.#dry = null;
    this.#stale = true;
    this.#words.clear();
    show(this.#undo, false);
    const given = this.#form.read();
    if (!given.content) {
      this.#preview.stop();
      this.#form.clearError();
      // A number that is half typed leaves the last curve there, pale, as a formula with an error does.
      if (!given.problem) this.#coming = null;
      setText(this.#problem, spacedNumbers(given.problem ?? ""));
      setText(this.#note, "");
    } else this.#preview.ask(given.content);
    this.update();
  }

  #show(data) {
    this.#form.clearError();
    setText(this.#problem, "");
    // Beside a dry run its own note stands, and not one of the curve that it has taken the place of.
    setText(this.#note, this.#dry ? "" : spacedNumbers(data?.note ?? ""));
    this.#stale = false;
    this.#coming = columnsOf(data);
    this.update();
  }

  #fail(error) {
    this.#stale = true;
    setText(this.#problem, spacedNumbers(this.#form.showError(error)));
    this.update();
  }

  #draw() {
    const { step = 0 } = this.#model.status ?? {};
    const horizon = this.#form.steps;
    const target = this.#form.target;
    const past = target ? pastOf(this.#model, target, this.#dry ? 0 : Math.max(0, step - horizon)) : { step: [], value: [] };
    const info = this.#model.hyperparameters.find((one) => one.name === target);
    const coming = this.#coming?.step.length ? this.#coming : undefined;
    this.#curve.draw({
      past: joined(past, step, typeof info?.value === "number" ? info.value : undefined),
      coming: this.#dry ? undefined : coming,
      dry: this.#dry ?? undefined,
      now: step,
      ahead: horizon,
      name: target,
      log: this.#form.log,
      stale: this.#stale,
    });
  }

  async #runDry() {
    const { content, problem } = this.#form.read();
    if (!content || !this.#form.readsMetrics) {
      this.#words.say(problem || "It reads no metric: the curve above says all.", "warn");
      return;
    }
    const reply = await this.#words.follow((signal) => this.#model.request("dryRunPolicy", content, { signal }), {
      busy: "Runs over the recorded history…",
      done: ({ data }) => dryWords(columnsOf(data), data?.note),
      failed: (error) => this.#form.showError(error),
    });
    if (!reply) return;
    this.#dry = columnsOf(reply.data);
    setText(this.#note, "");
    this.#draw();
  }

  /** What the form says, its beginning at the present step where it is left to that. */
  #now() {
    this.#form.beginNow();
    return this.#form.read();
  }

  async #armIt() {
    const { content, problem } = this.#now();
    const reason = this.#model.refusal("tune") || problem;
    if (reason || !content) {
      this.#words.say(reason || "Write a formula first.", "warn");
      return;
    }
    const policy = policyOf(this.#model.policies, content.target);
    const held = this.#held(content.target);
    const byHand = held ? wayBack(this.#model, content.target) : [];
    show(this.#undo, false);
    const request = { ...content, release: held !== null };
    const reply = await this.#words.follow((signal) => this.#model.request("armPolicy", request, { signal }), {
      busy: "Armed at the next step…",
      done: ({ data, step }) => armedWords(content.target, data, step, held),
      failed: (error) => `Not armed. ${this.#form.showError(error)}`,
    });
    if (reply) {
      this.#form.armed();
      this.#meant = content.target;
      this.#before = { target: content.target, policy: policy?.state === "disarmed" ? null : policy, byHand };
      show(this.#undo, Boolean(this.#before.policy ?? held));
    }
    this.update();
  }

  /** What a person set by hand, as it stands, or null. */
  #held(target) {
    const info = this.#model.hyperparameters.find((one) => one.name === target);
    return info?.owner === "person" ? info : null;
  }

  /** Puts back what was there before: a policy, a value set by hand, or both; where there was neither, Disarm is the way back. */
  async #undoIt() {
    show(this.#undo, false);
    const { target, policy, byHand } = this.#before;
    await this.#words.follow((signal) => this.#putBack(target, policy, byHand, signal), {
      busy: "Put back at the next step…",
      done: ({ data, step }) =>
        byHand.length ? `Undone. ${target} is ${plainValue(data?.applied)}, set by hand, again${sinceStep(step)}.` : `Undone. ${armedWords(target, data, step)}`,
    });
    this.update();
  }

  /** First what was set by hand, so that no step runs with another value between. */
  async #putBack(target, policy, byHand, signal) {
    let last;
    for (const { method, content } of byHand) last = await this.#model.request(method, content, { signal });
    const armed = policy
      ? await this.#model.request("armPolicy", armContent(policy), { signal })
      : await this.#model.request("disarmPolicy", { name: target }, { signal });
    return last ?? armed;
  }

  async #disarmIt() {
    const { target } = this.#form;
    await this.#words.follow((signal) => this.#model.request("disarmPolicy", { name: target }, { signal }), {
      busy: "Disarmed at the next step…",
      done: ({ step }) => `Disarmed${step === null ? "" : ` at step ${formatCount(step)}`}; ${target} is released. Arm puts it back.`,
    });
    this.update();
  }

  #onKey(event, close) {
    if (event.defaultPrevented) return;
    const control = event.ctrlKey || event.metaKey;
    if (event.key === "Escape" && !control) {
      event.stopPropagation();
      close();
    } else if (control && (event.key === "Enter" || event.key === "s")) {
      event.preventDefault();
      if (event.key === "s") this.#armIt();
      else this.#runDry();
    }
  }
}

/** What Arm is going to do with a value that was set by hand: said before it is done. */
function heldWords({ name, requested, value, mode, author, since }) {
  const set = mode === "scale" ? `to × ${plainValue(requested)}` : `to ${plainValue(requested ?? value)}`;
  const by = author && author !== "person" ? `by ${author}` : "by hand";
  return `${name} was set ${by} ${set}${sinceStep(since)}: arming releases that, and the policy takes over.`;
}

function armedWords(target, data, step, held = null) {
  const value = typeof data?.value === "number" ? `; ${target} is ${formatNumber(data.value)}` : "";
  const pinned = data?.state === "pinned" ? " It waits: a person has set the value by hand." : "";
  const released = held ? " What was set by hand is released." : "";
  return [`Armed${sinceStep(step)}${value}.${pinned}${released}`, data?.note].filter(Boolean).join(" ");
}

function sinceStep(step) {
  return step === null || step === undefined ? "" : ` since step ${formatCount(step)}`;
}

function dryWords({ step, value }, note) {
  const finite = value.filter(Number.isFinite);
  if (!finite.length) return note || "It would have given no value yet.";
  const range = `${formatNumber(Math.min(...finite))} to ${formatNumber(Math.max(...finite))}`;
  return [`Over steps ${formatCount(step[0])} to ${formatCount(step.at(-1))} it would have given ${range}.`, note]
    .filter(Boolean)
    .join(" ");
}
