// The console: a terminal at the foot of the page whose lines run inside the training process.
import { h, setText, show } from "../dom.js";
import { formatCount } from "../numbers.js";
import { button, refuse } from "../shell/buttons.js";
import { Displays, richForm } from "./console-displays.js";
import { Prompt } from "./console-prompt.js";
import { Screen } from "./console-screen.js";

const WHERE = {
  boundary: {
    text: "step boundary",
    says: "Lines run on the training thread, between two steps; the training waits for them.",
  },
  service: {
    text: "own thread",
    says: "Lines run on a thread of their own, while the training goes on; the step's tensors are not theirs to touch.",
  },
};
const PAGE = Math.random().toString(36).slice(2, 8); // two pages' lines have different names
const RED = "\x1b[31m";
const OFF = "\x1b[0m";

/** Slides up at the foot of the page, never over the header. */
export class Console {
  #model;
  #onToggle;
  #screen = new Screen(() => this.#prompt.focus());
  #displays = new Displays();
  #prompt = null; // made when the console is opened for the first time, as the terminal is
  #typed = h("div", { class: "bv-console-typed" });
  #where = "boundary";
  #running = new Map(); // by cell: {where, said}
  #number = 0;
  #asked = false;
  #before = null;
  #state = h("span", { class: "bv-console-state", role: "status" });
  #says = h("span", { class: "bv-muted bv-console-says" });
  #run;
  #interrupt;
  #size;
  #choices;
  element;

  /**
   * @param {import("./model.js").RunModel} model
   * @param {() => void} onToggle
   */
  constructor(model, onToggle) {
    this.#model = model;
    this.#onToggle = onToggle;
    this.#run = button("Run", () => this.#send(this.#prompt.code), { primary: true, key: "Enter" });
    this.#interrupt = button("Interrupt", () => this.#stop(), { danger: true, key: "Ctrl-C" });
    this.#size = button("Larger", () => this.#resize(), { title: "Give the console more of the page, or less" });
    this.#choices = Object.entries(WHERE).map(([where, { text, says }]) =>
      h("button", {
        type: "button",
        role: "radio",
        class: "bv-console-choice",
        text,
        title: says,
        dataset: { where },
        onclick: () => this.#choose(where),
      }),
    );
    this.element = h(
      "section",
      { class: "bv-console", "aria-label": "Console", hidden: true },
      h(
        "header",
        { class: "bv-drawer-head bv-console-head" },
        h("h2", { class: "bv-drawer-title", text: "Console" }),
        h(
          "div",
          {
            class: "bv-console-where",
            role: "radiogroup",
            "aria-label": "Where lines run",
            onkeydown: (event) => this.#onChoiceKey(event),
          },
          this.#choices,
        ),
        this.#says,
        h("span", { class: "bv-spring" }),
        this.#state,
        this.#interrupt,
        button("Clear", () => this.#clear(), { key: "Ctrl-L" }),
        this.#size,
        button("Close", () => this.toggle(false), { icon: "close", bare: true, key: "Escape" }),
      ),
      h("div", { class: "bv-console-body" }, this.#screen.element, this.#displays.element),
      h(
        "div",
        { class: "bv-console-input" },
        h("span", { class: "bv-prompt", "aria-hidden": "true", text: "›" }),
        this.#typed,
        this.#run,
      ),
    );
    this.element.addEventListener("keydown", (event) => this.#onKey(event));
    for (const event of ["status", "connection", "catalogue"]) model.on(event, () => this.#draw());
    model.connection.on("console", (content) => this.#take(content));
    this.#choose("boundary");
    this.#draw();
  }

  /** Shows or hides the console. */
  toggle(visible = this.element.hidden) {
    if (visible && this.element.hidden) this.#before = document.activeElement;
    show(this.element, visible);
    this.#onToggle();
    if (!visible) {
      this.#before?.focus?.({ preventScroll: true });
      return;
    }
    this.#screen.open();
    this.#prompt ??= this.#makePrompt();
    this.#askForPast();
    this.#prompt.focus();
  }

  destroy() {
    this.#screen.destroy();
    this.#prompt?.destroy();
    this.#displays.clear();
  }

  #makePrompt() {
    const prompt = new Prompt({
      run: (code) => this.#send(code),
      complete: (code, position) => this.#complete(code, position),
      interrupt: () => this.#stop(),
      clear: () => this.#clear(),
      leave: () => this.toggle(false),
      scroll: (pages) => this.#screen.scroll(pages),
    });
    this.#typed.append(prompt.element);
    return prompt;
  }

  async #send(code) {
    if (!code.trim()) return;
    const reason = this.#model.refusal("code");
    if (reason) {
      this.#screen.writeLine(`${RED}${reason}${OFF}`);
      return;
    }
    const cell = `${PAGE}-${++this.#number}`;
    const where = this.#where;
    this.#prompt.code = "";
    this.#prompt.remember(code);
    this.#screen.echo(code);
    this.#running.set(cell, { where, said: false });
    this.#draw();
    try {
      const { data, step } = await this.#model.request("evaluateCommand", { code, where, cell });
      if (!this.#running.get(cell)?.said && data) this.#screen.write(String(data));
      this.#finish(cell, step === null ? "" : `done at step ${formatCount(step)}`);
    } catch (error) {
      if (!this.#running.get(cell)?.said) this.#screen.writeLine(`${RED}${error.message}${OFF}`);
      this.#finish(cell, "the last line failed");
    }
  }

  #finish(cell, text) {
    this.#running.delete(cell);
    this.#screen.endLine();
    this.#draw();
    if (!this.#running.size) this.#say(text);
  }

  /** What a line gives while it runs. */
  #take({ cell, kind, text, data }) {
    const line = this.#running.get(cell);
    if (!line) return;
    if (kind === "waits") {
      line.waits = true;
      this.#draw();
      return;
    }
    line.said = true;
    if (kind !== "display") {
      this.#screen.write(kind === "stderr" && !text.includes("\x1b") ? `${RED}${text}${OFF}` : text);
      return;
    }
    const plain = data["text/plain"] ?? "";
    if (!richForm(data)) this.#screen.write(plain);
    else {
      const title = this.#displays.add(data);
      if (data["text/html"]) this.#screen.writeLine(plain.replace(/\n$/, ""));
      this.#screen.writeLine(`\x1b[36m▸ ${title} is shown beside\x1b[0m`);
    }
  }

  async #stop() {
    const cell = [...this.#running.keys()].at(-1);
    if (!cell) {
      this.#prompt.code = "";
      return;
    }
    try {
      await this.#model.request("interruptMetric", { cell });
    } catch (error) {
      if (this.#running.has(cell)) this.#screen.writeLine(`${RED}${error.message}${OFF}`);
    }
  }

  async #complete(code, position) {
    if (this.#model.refusal("code")) return { matches: [], start: position };
    try {
      const { data } = await this.#model.request("completeConsole", { code, position });
      return { matches: data?.matches ?? [], start: data?.start ?? position };
    } catch (error) {
      this.#say(error.message);
      return { matches: [], start: position };
    }
  }

  async #askForPast() {
    if (this.#asked || this.#model.refusal("code")) return;
    this.#asked = true;
    try {
      const { data } = await this.#model.request("consoleHistory", { count: 500 });
      if (Array.isArray(data)) this.#prompt.past = data;
    } catch {
      this.#asked = false; // asked again when the console is opened again
    }
  }

  #choose(where) {
    this.#where = where;
    for (const choice of this.#choices) {
      const chosen = choice.dataset.where === where;
      choice.setAttribute("aria-checked", String(chosen));
      choice.tabIndex = chosen ? 0 : -1;
    }
    setText(this.#says, WHERE[where].says);
  }

  #onChoiceKey(event) {
    if (!["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    this.#choose(this.#where === "boundary" ? "service" : "boundary");
    this.#choices.find((choice) => choice.dataset.where === this.#where).focus();
  }

  #onKey(event) {
    if (event.defaultPrevented) return;
    const interrupts = event.key === "c" && event.ctrlKey && !event.shiftKey && !event.altKey;
    if (interrupts && this.#running.size && !this.#screen.selection && !String(window.getSelection())) {
      event.preventDefault();
      this.#stop();
    } else if (event.key === "Escape") this.toggle(false);
  }

  #resize() {
    const large = this.element.classList.toggle("bv-large");
    this.#size.querySelector("span").textContent = large ? "Smaller" : "Larger";
    this.#onToggle();
  }

  #clear() {
    this.#screen.clear();
    this.#displays.clear();
    this.#prompt.focus();
  }

  #say(text) {
    setText(this.#state, text);
    this.#state.dataset.tone = "muted";
  }

  #draw() {
    refuse(this.#run, this.#model.refusal("code"));
    const lines = [...this.#running.values()];
    show(this.#interrupt, lines.length > 0);
    this.element.classList.toggle("bv-busy", lines.length > 0);
    if (!lines.length) {
      if (this.#state.dataset.tone === "busy") this.#say("");
      return;
    }
    const waits = lines.some((line) => line.waits);
    this.#state.dataset.tone = waits ? "warn" : "busy";
    const running = lines.length === 1 ? "A line runs" : `${lines.length} lines run`;
    const beside = lines.every((line) => line.where === "service");
    setText(this.#state, waits ? "The training waits for this line" : beside ? `${running} beside the training` : `${running}…`);
  }
}
