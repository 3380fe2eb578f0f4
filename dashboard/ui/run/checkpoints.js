// The checkpoints of a run: save one now, save by itself, go back to one, branch from one, delete one.
import { fill, h, setText } from "../dom.js";
import { formatAge, formatBytes, formatCount, formatTime } from "../numbers.js";
import { button, refuse, Words } from "../shell/buttons.js";
import { askFirst } from "../shell/popover.js";
import { autoForm } from "./checkpoints-auto.js";
import { branchForm } from "./branch.js";
import { SAVED } from "./journal-entries.js";
import { backWords, waits } from "./states.js";

const STATES = { writing: ["being written…", "accent"], failed: ["could not be written", "bad"] };

/** The list with its forms, for a drawer. */
export class Checkpoints {
  key = "checkpoints";
  title = "Checkpoints";
  #model;
  #page;
  #off;
  #label = h("input", { type: "text", placeholder: "label (may be empty)", "aria-label": "Label", maxlength: "200" });
  #words = new Words();
  #save;
  #auto;
  #list = h("div", { class: "bv-list" });
  #seen = "";
  #kept = null; // of a run that has ended: what lies in its folder
  element;

  /**
   * @param {import("./model.js").RunModel} model
   * @param {{openRun: (run: string) => void, compare: (run: string) => void}} page
   */
  constructor(model, page) {
    this.#model = model;
    this.#page = page;
    this.#save = button("Save now", () => this.#saveNow(), { primary: true });
    this.#auto = autoForm(model);
    this.element = h(
      "div",
      null,
      h(
        "form",
        {
          class: "bv-row",
          onsubmit: (event) => {
            event.preventDefault();
            if (this.#save.getAttribute("aria-disabled") !== "true") this.#saveNow();
          },
        },
        this.#label,
        this.#save,
      ),
      this.#words.element,
      this.#auto.element,
      this.#list,
    );
    this.#off = ["catalogue", "status", "connection"].map((event) => model.on(event, () => this.#draw()));
    this.#draw();
  }

  destroy() {
    this.#off.forEach((off) => off());
    this.#auto.destroy();
  }

  focus() {
    this.#label.focus();
  }

  async #saveNow() {
    const label = this.#label.value.trim();
    const reply = await this.#act("saveCheckpoint", { label }, "At the next step…", ({ data, step }) =>
      `Saved at step ${formatCount(data?.step ?? step ?? 0)}${label ? ` as “${label}”` : ""}; it is written while the training goes on.`,
    );
    if (reply) this.#label.value = "";
  }

  #act(method, content, busy, done) {
    return this.#words.follow(
      (signal) =>
        this.#model.request(method, content, { signal, progress: (text) => this.#words.say(text, "busy") }),
      { busy, done },
    );
  }

  #draw() {
    const model = this.#model;
    const tune = model.refusal("tune");
    refuse(this.#save, tune);
    const reasons = [model.refusal("code") || model.abilities.restore || "", model.refusal("code") || model.abilities.branch || "", tune];
    const over = Boolean(model.status) && !model.live;
    if (over && this.#kept === null) this.#look();
    const checkpoints = (over ? (this.#kept ?? []) : model.checkpoints).toReversed();
    const mark = JSON.stringify([checkpoints, reasons]);
    if (mark === this.#seen) return;
    this.#seen = mark;
    fill(
      this.#list,
      checkpoints.length
        ? checkpoints.map((one) => this.#row(one, reasons))
        : h("p", {
            class: "bv-muted",
            text: "None yet. A checkpoint keeps the whole state of the training: model, optimizers, schedulers, random numbers, policies and the place in the data.",
          }),
    );
  }

  /** Only its folder knows the checkpoints of a run that has ended. */
  async #look() {
    this.#kept = [];
    const reply = await this.#words.follow((signal) => this.#model.request("listCheckpoints", {}, { signal }), {
      busy: "Looking into the run's folder…",
    });
    this.#kept = reply?.data ?? [];
    this.#draw();
  }

  #row(one, [restore, branch, tune]) {
    const [words, tone] = STATES[one.state] ?? ["", ""];
    const unready = one.state === "ready" ? "" : `This checkpoint ${words || "is not ready"}.`;
    const name = nameOf(one);
    const act = (label, action, reason, more) => {
      const element = button(label, () => action(element), more);
      element.setAttribute("aria-label", `${label.replace("…", "")}: ${name}`);
      refuse(element, reason);
      return element;
    };
    const when = `${SAVED[one.reason] ?? one.reason} · ${formatTime(one.time)} · ${formatBytes(one.size)}`;
    return h(
      "article",
      { class: "bv-item", "aria-label": name },
      h(
        "header",
        null,
        h("strong", { class: "bv-number", text: `step ${formatCount(one.step)}` }),
        one.epoch !== null && one.epoch !== undefined && h("span", { class: "bv-muted", text: `epoch ${formatCount(one.epoch)}` }),
        one.label && h("span", { text: `“${one.label}”` }),
        words && h("span", { class: `bv-tag bv-tone-${tone}`, text: words }),
      ),
      h("p", { class: "bv-muted", text: when, title: one.id }),
      one.position && h("p", { class: "bv-tone-warn bv-small", text: `Data: ${one.position}` }),
      one.how && h("p", { class: "bv-small", text: one.how }),
      h(
        "div",
        { class: "bv-row" },
        act("Go back…", (anchor) => this.#askRestore(one, anchor), one.how || restore || unready),
        act("Branch…", (anchor) => branchForm(this.#model, one, anchor, this.#page), one.how || branch || unready),
        act("Delete…", (anchor) => this.#askDelete(one, anchor), tune || (one.state === "writing" ? unready : "")),
      ),
    );
  }

  #askRestore(one, anchor) {
    const [lost, then] = [h("p"), h("p")];
    const tell = () => {
      setText(lost, lossText((this.#model.status?.step ?? one.step) - one.step));
      setText(then, `${waits(this.#model.status) ? "It is paused, and waits at" : "The training goes on from"} step ${formatCount(one.step)}, with the values and policies it had there.`);
    };
    tell();
    const card = askFirst(anchor, {
      title: `Go back to step ${formatCount(one.step)}?`,
      texts: [
        lost,
        then,
        one.position && h("p", { class: "bv-tone-warn", text: `Data: ${one.position}` }),
      ],
      label: `Go back to step ${formatCount(one.step)}`,
      action: () => {
        const waiting = waits(this.#model.status); // on its way back a paused run says for a moment that it runs
        return this.#act("restoreCheckpoint", { id: one.id }, "Going back…", () => backWords(one.step, waiting));
      },
    });
    const off = this.#model.on("status", () => (card?.open ? tell() : off())); // the training goes on while one reads
  }

  #askDelete(one, anchor) {
    askFirst(anchor, {
      title: `Delete ${nameOf(one)}?`,
      texts: [`Its file (${formatBytes(one.size)}, saved ${ago(one.time)}) is deleted; it cannot be had again.`],
      label: "Delete it",
      action: () => this.#act("deleteCheckpoint", { id: one.id }, "Deleting…", () => `${capital(nameOf(one))} is deleted.`),
    });
  }
}

/** What going back costs, in words. */
function lossText(lost) {
  if (lost > 0)
    return `What the training learnt in the ${formatCount(lost)} ${lost === 1 ? "step" : "steps"} since is lost, unless you save a checkpoint first; the journal and other checkpoints stay.`;
  if (lost < 0) return "It lies ahead of this step: it was saved before the training was taken back. What was learnt since is lost, unless you save it first.";
  return "It was taken at this very step.";
}

/** What a checkpoint is called in sentences. */
export function nameOf({ step, label }) {
  return `the checkpoint of step ${formatCount(step)}${label ? ` (${label})` : ""}`;
}

function ago(time) {
  const age = formatAge(time);
  return age === "now" ? "just now" : `${age} ago`;
}

function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}
