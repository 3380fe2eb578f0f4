// Run control: pause and resume, steps, until a condition, the guard before bad updates, stop and restart.
import { h, setText, show } from "../dom.js";
import { formatCount } from "../numbers.js";
import { button, refuse, Words } from "../shell/buttons.js";
import { askFirst, openPopover } from "../shell/popover.js";
import { BEFORE_UPDATE, goalOf, overtaken, waits } from "./states.js";
import { untilExamples } from "./until-examples.js";

const GONE = "There is no connection to the dashboard now.";
const STAYS = 6000; // ms that words about an action stay
const PLAY = "M4.5 3 12.5 8 4.5 13Z";
const BARS = "M5 3v10M11 3v10";

/** The buttons in the header; `pauseOrResume()` and `step()` are what the keys do. */
export class RunControl {
  #model;
  #words = new Words();
  #timer = null;
  #card = null; // what was asked for from here, while its card is open
  #said = null; // that the run goes on, or is paused, and since which step
  #pause;
  #step;
  #until;
  #guard;
  #skip;
  #stop;
  #restart;
  element;

  /** @param {import("./model.js").RunModel} model */
  constructor(model) {
    this.#model = model;
    this.#pause = button("Pause", () => this.pauseOrResume(), { icon: "pause", key: "space" });
    this.#pause.classList.add("bv-pause");
    const bare = (label, drawing, action, more) => button(label, action, { icon: drawing, bare: true, ...more });
    this.#step = bare("One step", "step", () => this.step(), { key: "." });
    this.#until = bare("Run until…", "until", () => this.#askHowFar());
    this.#guard = bare("Pause before a bad update", "shield", () => this.#switchGuard());
    this.#skip = button("Skip the update", () => this.#skipUpdate());
    this.#stop = bare("Stop", "stop", () => this.#askStop());
    this.#restart = bare("Restart", "restart", () => this.#askRestart());
    for (const one of [this.#until, this.#stop, this.#restart]) one.setAttribute("aria-haspopup", "dialog");
    this.element = h(
      "div",
      { class: "bv-controls", role: "toolbar", "aria-label": "Run control" },
      [this.#pause, this.#skip, this.#step, this.#until, this.#guard, this.#stop, this.#restart],
    );
    for (const event of ["status", "catalogue", "connection"]) model.on(event, () => this.#draw());
    this.#draw();
  }

  /** Where it is said what an action did; it stands beside the buttons. */
  get words() {
    return this.#words.element;
  }

  /** Pauses a run that is running and resumes one that is paused; says what it did, and when. */
  async pauseOrResume() {
    const pause = this.#model.status?.state !== "paused";
    const reply = await this.#do("pauseTraining", pause, {
      busy: pause ? "Pausing at the next step…" : "Resuming…",
      done: ({ step }) => (pause ? `paused${step === null ? "" : ` after step ${formatCount(step)}`}` : "goes on"),
    });
    this.#hold(reply, !pause);
  }

  /** Goes on for one step and pauses. */
  async step() {
    await this.#do("runSteps", { steps: 1 }, { busy: "One step…", done: () => "one step, then it is paused" });
  }

  /** The run goes on without the pause that was set for a step or a condition. */
  async callOff(words = this.#words) {
    const goal = goalOf(this.#model.status);
    await this.#do("runSteps", { call_off: true }, { busy: "Calling it off…", done: () => `it no longer pauses ${goal || "by itself"}` }, words);
  }

  async #skipUpdate() {
    const reply = await this.#do("skipUpdate", {}, { busy: "Skipping the update…", done: () => "the update was left out; the training goes on" });
    this.#hold(reply, true);
  }

  /** What was said of the run holds until it does something else. */
  #hold(reply, moves) {
    if (reply) this.#said = { moves, step: reply.step ?? this.#model.status?.step ?? 0 };
  }

  #draw() {
    const { status, connection } = this.#model;
    if (this.#said && status && overtaken(this.#said, status)) {
      this.#said = null;
      this.#words.clear();
    }
    const abilities = this.#model.abilities;
    const paused = status?.state === "paused";
    setText(this.#pause.querySelector("span"), paused ? "Resume" : "Pause");
    this.#pause.dataset.title = paused ? "Resume (space)" : "Pause (space)";
    if (!this.#pause.dataset.reason) this.#pause.title = this.#pause.dataset.title;
    this.#pause.classList.toggle("bv-primary", paused);
    this.#pause.querySelector("path").setAttribute("d", paused ? PLAY : BARS);
    const reason = status && connection.state === "open" ? this.#model.refusal("tune") : GONE;
    this.#leave(status, reason);
    this.#skip.hidden = !(paused && status.paused_by === BEFORE_UPDATE);
    for (const one of [this.#pause, this.#skip, this.#step, this.#until, this.#guard]) refuse(one, reason);
    refuse(this.#stop, reason || (abilities.stop ?? ""));
    refuse(this.#restart, reason || (abilities.restart ?? ""));
    const on = Boolean(abilities.bad_gradients);
    this.#guard.setAttribute("aria-pressed", String(on));
    const text = guardText(on);
    if (this.#guard.dataset.title !== text) {
      this.#guard.dataset.title = text;
      if (!reason) this.#guard.title = text;
    }
  }

  /** A card that asks about a run that is over closes and says so; a connection that is lost may come back. */
  #leave(status, reason) {
    if (!this.#card?.open || !status || this.#model.live) return;
    this.#card.close();
    this.#card = null;
    this.#words.say(reason, "warn");
    this.#fade();
  }

  /** Does it and says so beside the buttons; `words` may be those of a card. */
  async #do(method, content, texts, words = this.#words) {
    const reason = this.#model.refusal("tune");
    if (reason) {
      words.say(reason, "warn");
      return undefined;
    }
    if (words === this.#words) {
      clearTimeout(this.#timer);
      this.#said = null;
    }
    const reply = await words.follow(
      // Version 1's own command has no room for the run: the connection knows it.
      (signal) =>
        typeof content === "object"
          ? this.#model.request(method, content, { signal })
          : this.#model.connection.request(method, content, { signal }),
      texts,
    );
    if (reply && words === this.#words) this.#fade();
    return reply;
  }

  #fade() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#words.clear(), STAYS);
  }

  #askHowFar() {
    const words = new Words();
    const present = () => untilExamples(this.#model.catalogue?.series ?? {}, this.#model.status);
    const examples = present();
    const steps = h("input", { type: "number", min: "1", step: "1", value: "100", "aria-label": "Number of steps" });
    const until = h("input", {
      type: "text",
      placeholder: examples[0],
      spellcheck: "false",
      autocomplete: "off",
      "aria-label": "Condition",
    });
    const guard = h("input", { type: "checkbox", onchange: () => this.#switchGuard(guard.checked, words) });
    guard.checked = Boolean(this.#model.abilities.bad_gradients);
    let card = null;
    const go = async (content, done) => {
      const reply = await this.#do("runSteps", content, { busy: "Going on…" }, words);
      if (!reply) return;
      card.close();
      this.#words.say(done, "good");
      this.#hold(reply, true);
      this.#fade();
    };
    const goSteps = () => {
      const count = Number(steps.value);
      if (!Number.isInteger(count) || count < 1) {
        words.say("Say how many steps, as a whole number from 1.", "warn");
        return;
      }
      go({ steps: count }, `goes on for ${formatCount(count)} ${count === 1 ? "step" : "steps"}, then pauses`);
    };
    const goUntil = () => {
      const condition = until.value.trim();
      if (!condition) {
        words.say(`Say when to pause, such as “${examples[0]}”.`, "warn");
        return;
      }
      go({ until: condition }, `goes on until ${condition}, then pauses`);
    };
    const setNow = h("span");
    const now = h("p", { class: "bv-row" }, setNow, button("Call off", () => this.callOff(words)));
    const tellNow = () => {
      const goal = goalOf(this.#model.status);
      setText(setNow, goal && `At present it pauses ${goal}. Another Run takes its place.`);
      show(now, Boolean(goal));
    };
    const chips = examples.map((text) => {
      const chip = h("button", {
        type: "button",
        class: "bv-chip bv-code",
        text,
        onclick: () => {
          until.value = chip.textContent;
          until.focus();
        },
      });
      return chip;
    });
    tellNow();
    const off = this.#model.on("status", () => {
      if (!card?.open) return off();
      tellNow();
      present().forEach((text, i) => setText(chips[i], text)); // what lies ahead comes nearer while the card is open
    });
    const form = (submit, ...children) =>
      h("form", { class: "bv-row", onsubmit: (event) => (event.preventDefault(), submit()) }, ...children);
    card = this.#card = openPopover(
      this.#until,
      "Run on, then pause",
      form(goSteps, h("span", { text: "for" }), steps, h("span", { text: "steps" }), button("Run", goSteps)),
      form(goUntil, h("span", { text: "until" }), until, button("Run", goUntil)),
      h("div", { class: "bv-chips", "aria-label": "Examples" }, chips),
      now,
      words.element,
      h("label", { class: "bv-check" }, guard, h("span", { text: "pause before an update with bad gradients" })),
      h("p", { class: "bv-muted", text: "NaN or ±Inf in a gradient: it pauses with the update not made." }),
    );
  }

  async #switchGuard(wanted = !this.#model.abilities.bad_gradients, words = this.#words) {
    await this.#do(
      "pauseOnBadGradients",
      { pause: wanted },
      {
        busy: "At the next step…",
        done: ({ step }) =>
          wanted
            ? `pauses before an update whose gradients are not finite${sinceStep(step)}`
            : `no longer pauses before bad updates${sinceStep(step)}`,
      },
      words,
    );
  }

  #askStop() {
    const { abilities } = this.#model;
    this.#card = askFirst(this.#stop, {
      title: "Stop the training?",
      texts: [
        "It ends at its next step boundary, and cannot be resumed.", // no number: it goes on while this is read
        abilities.stop_note || null,
        "What was recorded stays. Pause it instead to look first.",
      ],
      label: "Stop the training",
      action: () =>
        this.#do("stopTraining", {}, {
          busy: "Stopping at the next step…",
          done: ({ step }) => `stopped${step === null ? "" : ` after step ${formatCount(step)}`}`,
        }),
    });
  }

  #askRestart() {
    this.#card = askFirst(this.#restart, {
      title: "Start again from the beginning?",
      texts: [
        "It goes back to the state before the first step: model, optimizer, random numbers and data.",
        "The weights it has now are lost unless you save a checkpoint first. Checkpoints and the journal stay.",
      ],
      label: "Restart",
      action: () => {
        const done = `back at step 0${waits(this.#model.status) ? "; it is paused and waits there" : ", and started again"}`;
        return this.#do("restartTraining", {}, { busy: "Going back to the beginning…", done: () => done });
      },
    });
  }
}

function guardText(on) {
  return `Pause before a bad update: ${on ? "on" : "off"}. A bad update is one whose gradients are not all finite.`;
}

function sinceStep(step) {
  return step === null ? "" : ` (since step ${formatCount(step)})`;
}
