// One hyperparameter as a line: name, its past, the value the last update used, who holds it.
import { h, setText, setTitle, show } from "../dom.js";
import { formatCount } from "../numbers.js";
import { nameParts } from "./cut-name.js";
import { HyperparameterEdit } from "./hyperparameter-edit.js";
import { holderChip, showHolder } from "./holder.js";
import { LeaseLine } from "./lease.js";
import { asRecorded, pastOf } from "./past.js";
import { POINTS, Sparkline } from "./sparkline.js";
import { differences, holderOf, shownValue } from "./steered.js";
import { shortValue, valueTitle } from "./values.js";

const LOOK_BACK = 2000; // steps in a sparkline

/** A line, and below it the form while it is open. */
export class HyperparameterRow {
  #model;
  #actions;
  #info;
  #policy = null;
  #edit = null;
  #spark = new Sparkline();
  #value = h("span", { class: "bv-hyper-value bv-number" });
  #holder = holderChip();
  #about = h("p", { class: "bv-hyper-about bv-number" });
  #name;
  #groups = h("button", { type: "button", class: "bv-link bv-hyper-groups" });
  #lease;
  #place = h("div", { class: "bv-hyper-edit" });

  constructor(model, info, actions) {
    this.#model = model;
    this.#actions = actions;
    this.#info = info;
    this.#name = h(
      "button",
      {
        type: "button",
        class: "bv-hyper-name",
        "aria-expanded": "false",
        "aria-label": info.name,
        onclick: () => this.toggle(),
      },
      nameParts(info.name),
    );
    this.#groups.addEventListener("click", actions.unfold);
    this.#lease = new LeaseLine(model, info.name);
    const line = h(
      "div",
      { class: "bv-hyper-line" },
      h("span", { class: "bv-hyper-title" }, this.#name, this.#groups),
      this.#spark.element,
      this.#value,
      this.#holder,
    );
    // The whole line opens the form; the name is the button for keyboards and screen readers.
    line.addEventListener("click", (event) => !event.target.closest("button") && this.toggle());
    this.element = h(
      "div",
      { class: "bv-hyper", role: "listitem", dataset: { name: info.name } },
      line,
      // The form comes first: nothing that appears by itself may push its buttons away under somebody's hand.
      this.#place,
      this.#about,
      this.#lease.element,
    );
    show(this.#place, false);
  }

  /** Whether somebody is at work on it. */
  get busy() {
    return this.#edit !== null;
  }

  place({ members = [], unfolded = false, differ = false, member = false }) {
    this.element.classList.toggle("bv-hyper-member", member);
    show(this.#groups, members.length > 0);
    if (!members.length) return;
    setText(this.#groups, `${members.length} groups${differ ? ", not alike" : ""} ${unfolded ? "▾" : "▸"}`);
    this.#groups.setAttribute("aria-expanded", String(unfolded));
  }

  toggle() {
    if (this.#edit) {
      this.#close();
      return;
    }
    this.#edit = new HyperparameterEdit(this.#model, this.#info, {
      close: () => this.#close(true),
      policy: () => this.#actions.policy(this.#info.name),
    });
    this.#place.replaceChildren(this.#edit.element);
    show(this.#place, true);
    this.#name.setAttribute("aria-expanded", "true");
    this.#edit.update(this.#info, this.#policy);
    this.#edit.focus();
  }

  #close(refocus = false) {
    this.#edit?.destroy();
    this.#edit = null;
    this.#place.replaceChildren();
    show(this.#place, false);
    this.#name.setAttribute("aria-expanded", "false");
    if (refocus) this.#name.focus({ preventScroll: true });
  }

  update(told, policy, names) {
    const { info, at } = asRecorded(this.#model, told);
    this.#info = info;
    this.#policy = policy;
    const shown = shownValue(info);
    setText(this.#value, shortValue(shown).replaceAll(" | ", "\n") + (info.unit ? ` ${info.unit}` : ""));
    this.#value.classList.toggle("bv-hyper-values", Array.isArray(shown));
    this.#value.title = (at === null ? "" : `as it was at step ${formatCount(at)}\n`) + valueTitle(info);
    showHolder(this.#holder, holderOf(info, policy, names));
    const older = at !== null && at < this.#model.status.step ? `as it was at step ${formatCount(at)}` : "";
    const words = [older, differences(info, shortValue)].filter(Boolean).join(" · ");
    setText(this.#about, words);
    show(this.#about, Boolean(words));
    const reason = info.settable || this.#model.refusal("tune");
    // It opens all the same: there is more to read in it, and its buttons say no.
    const title = [info.name, reason].filter(Boolean).join("\n");
    setTitle(this.#name, title);
    this.element.classList.toggle("bv-hyper-off", Boolean(reason));
    this.#lease.update(info);
    const step = this.#model.status?.step ?? 0;
    this.#spark.draw(pastOf(this.#model, info.name, Math.max(0, step - LOOK_BACK), POINTS), step);
    this.#edit?.update(info, policy);
  }

  destroy() {
    this.#edit?.destroy();
  }
}
