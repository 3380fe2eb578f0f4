// The form that installs a bundle for this run, and offers to load it.
import { fill, h } from "../dom.js";
import { waitingOf } from "../discover/words.js";
import { openDiscover } from "../navigate.js";
import { button, refuse, Words } from "../shell/buttons.js";

/** Installs a requirement, a path or a wheel for this run, for a drawer. */
export class Installer {
  key = "install";
  title = "Install a bundle";
  #model;
  #requirement = h("input", {
    type: "text",
    placeholder: "bidviz-metric-gradnorm",
    spellcheck: "false",
    autocomplete: "off",
    "aria-label": "Requirement, path or wheel",
  });
  #lines = h("pre", { class: "bv-progress", role: "log", "aria-label": "Progress", hidden: true });
  #words = new Words();
  #go;
  #next = h("div", { class: "bv-row" });
  #loadBundle;
  #offered = null; // what the form offers to load
  #off;
  element;

  /**
   * @param {import("./model.js").RunModel} model
   * @param {(name: string) => Promise<boolean>} loadBundle
   */
  constructor(model, loadBundle) {
    this.#model = model;
    this.#loadBundle = loadBundle;
    this.#go = button("Install", () => this.#install(), { primary: true });
    this.element = h(
      "form",
      {
        class: "bv-editor",
        onsubmit: (event) => {
          event.preventDefault();
          if (this.#go.getAttribute("aria-disabled") !== "true") this.#install();
        },
      },
      h("p", {
        class: "bv-muted",
        text: "A requirement (“bidviz-metric-gradnorm==0.1”), a folder or a wheel on the training's machine. It goes into a folder of this run's own, each version into one of its own; the environment stays as it is, and the training goes on. Then you load it here.",
      }),
      h("button", {
        type: "button",
        class: "bv-link",
        text: "Look around first: Discover shows what there is, what it needs and costs, and its code",
        onclick: () => openDiscover(model.run),
      }),
      h("label", { class: "bv-field bv-wide" }, h("span", { text: "What" }), this.#requirement),
      h("div", { class: "bv-row bv-actions" }, this.#go, this.#words.element),
      this.#lines,
      this.#next,
    );
    this.#off = [
      ...["status", "connection"].map((event) => model.on(event, () => this.#refuse())),
      model.on("catalogue", () => this.#look()),
    ];
    this.#refuse();
  }

  focus() {
    this.#requirement.focus();
  }

  destroy() {
    this.#off.forEach((off) => off());
  }

  async #install() {
    const requirement = this.#requirement.value.trim();
    if (!requirement) {
      this.#words.say("Say what to install.", "warn");
      return;
    }
    fill(this.#lines);
    fill(this.#next);
    this.#lines.hidden = false;
    const progress = (text) => {
      this.#lines.append(`${text}\n`);
      this.#lines.scrollTop = this.#lines.scrollHeight;
    };
    this.#offered = null;
    const reply = await this.#words.follow(
      (signal) => this.#model.request("installBundle", { requirement }, { signal, progress }),
      { busy: "Installing; the training goes on…" },
    );
    if (!reply) return;
    const data = typeof reply.data === "string" ? { text: reply.data } : (reply.data ?? {});
    const waiting = waitingOf(data);
    if (waiting) this.#words.say([`${data.name}: ${waiting.text}.`, ...(data.warnings ?? [])].join(" "), "warn");
    else this.#words.say(data.text || `${requirement} is installed.`, "good");
    this.#offer(data, waiting);
  }

  /** The button that loads what was installed. */
  #offer({ name, state }, waiting) {
    if (!name || (state === "loaded" && !waiting)) return;
    const load = waiting
      ? button(waiting.label, () => this.#reload(name), { primary: true })
      : button(`Load ${name}`, async () => (await this.#loadBundle(name)) && this.#loaded(), { primary: true });
    this.#offered = { name, load, before: this.#runs(name) };
    refuse(load, this.#model.refusal("code"));
    fill(this.#next, load);
  }

  async #reload(name) {
    const reply = await this.#words.follow((signal) => this.#model.request("reloadBundle", { name }, { signal }), {
      busy: "At the next step…",
      done: () => `${name} is loaded.`, // said here too: the catalogue may have told it before the answer came
    });
    if (reply) this.#loaded();
  }

  /** The code of a bundle that runs, and since when, as far as the catalogue knows it. */
  #runs(name) {
    const ran = (this.#model.catalogue?.ran ?? []).findLast((one) => one.name === name);
    return ran && (ran.until ?? null) === null ? `${ran.hash} ${ran.since}` : "";
  }

  /** It may have been loaded elsewhere: by its notice, or on another page. */
  #look() {
    const { name, before } = this.#offered ?? {};
    const now = name ? this.#runs(name) : "";
    if (now && now !== before) this.#loaded();
  }

  #loaded() {
    if (!this.#offered) return; // said already
    this.#words.say(`${this.#offered.name} is loaded.`, "good");
    this.#offered = null;
    fill(this.#next);
  }

  #refuse() {
    const code = this.#model.refusal("code");
    refuse(this.#go, code);
    if (this.#offered) refuse(this.#offered.load, code);
  }
}
