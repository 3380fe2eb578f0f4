// A plain console: a line or more of Python, run on the training thread at the next step boundary; its answer below it.
import { h } from "../dom.js";
import { formatCount } from "../numbers.js";
import { button, refuse, Words } from "../shell/buttons.js";

const KEY = "bidviz-console";
const KEPT = 200;
const FOLDED = 30; // lines of an answer that are shown before it is folded

/** Slides up at the foot of the page, never over the header. */
export class Console {
  #model;
  #lines = h("div", { class: "bv-console-lines", role: "log", "aria-label": "Console output" });
  #input = h("textarea", {
    rows: "1",
    spellcheck: "false",
    autocomplete: "off",
    "aria-label": "Python to run in the training",
    placeholder: "model",
  });
  #words = new Words();
  #run;
  #past = readPast();
  #at = this.#past.length;
  #onToggle;
  element;

  /**
   * @param {import("./model.js").RunModel} model
   * @param {() => void} onToggle
   */
  constructor(model, onToggle) {
    this.#model = model;
    this.#onToggle = onToggle;
    this.#run = button("Run", () => this.#send(), { primary: true, key: "Enter" });
    this.#input.addEventListener("keydown", (event) => this.#onKey(event));
    this.#input.addEventListener("input", () => this.#grow());
    this.element = h(
      "section",
      { class: "bv-console", "aria-label": "Console", hidden: true },
      h(
        "header",
        { class: "bv-drawer-head" },
        h("h2", { class: "bv-drawer-title", text: "Console" }),
        h("span", {
          class: "bv-muted",
          text: "runs on the training thread at the next step boundary; training waits for it",
        }),
        h("span", { class: "bv-spring" }),
        button("Clear", () => this.#lines.replaceChildren()),
        button("Close", () => this.toggle(false), { icon: "close", bare: true, key: "Escape" }),
      ),
      this.#lines,
      h(
        "div",
        { class: "bv-console-input" },
        h("span", { class: "bv-prompt", "aria-hidden": "true", text: "›" }),
        this.#input,
        this.#words.element,
        this.#run,
      ),
    );
    for (const event of ["status", "connection", "catalogue"])
      model.on(event, () => refuse(this.#run, model.refusal("code")));
    refuse(this.#run, model.refusal("code"));
  }

  /** Shows or hides the console. */
  toggle(visible = this.element.hidden) {
    this.element.hidden = !visible;
    this.#onToggle();
    if (visible) this.#input.focus();
  }

  async #send() {
    const code = this.#input.value;
    const reason = this.#model.refusal("code");
    if (!code.trim()) return;
    if (reason) {
      this.#words.say(reason, "warn");
      return;
    }
    this.#input.value = "";
    this.#grow();
    this.#remember(code);
    this.#print(code, "in");
    const reply = await this.#words.follow((signal) => this.#model.request("evaluateCommand", { code }, { signal }), {
      busy: "Training waits for this line…",
      failed: (error) => {
        this.#print([error.message, error.traceback].filter(Boolean).join("\n"), "bad");
        return "";
      },
    });
    if (!reply) return;
    const text = typeof reply.data === "string" ? reply.data : JSON.stringify(reply.data);
    this.#print(text.replace(/\n$/, "") || "(nothing)", "out", reply.step);
  }

  #print(text, kind, step = null) {
    const lines = text.split("\n");
    const title = step === null ? null : `At step ${formatCount(step)}`;
    const block =
      lines.length > FOLDED
        ? h(
            "details",
            { class: "bv-fold", title },
            h("summary", { text: `${lines.length} lines: ${lines[0].slice(0, 80)}` }),
            h("pre", { text }),
          )
        : h("pre", { text, title });
    this.#lines.append(
      h(
        "div",
        { class: `bv-console-${kind}` },
        kind === "in" && h("span", { class: "bv-prompt", "aria-hidden": "true", text: "›" }),
        block,
      ),
    );
    this.#lines.scrollTop = this.#lines.scrollHeight;
  }

  #onKey(event) {
    const { value, selectionStart } = this.#input;
    const oneLine = !value.includes("\n");
    if (
      event.key === "Enter" &&
      !event.shiftKey &&
      (oneLine ? !/:\s*$/.test(value) : event.ctrlKey || event.metaKey || /\n\s*$/.test(value))
    ) {
      event.preventDefault();
      this.#send();
    } else if (event.key === "ArrowUp" && (oneLine || selectionStart === 0)) this.#browse(-1, event);
    else if (event.key === "ArrowDown" && (oneLine || selectionStart === value.length)) this.#browse(1, event);
    else if (event.key === "Escape") this.toggle(false);
    else if (event.key === "Tab" && !event.shiftKey && !oneLine) {
      event.preventDefault();
      this.#input.setRangeText("    ", selectionStart, this.#input.selectionEnd, "end");
    }
  }

  #browse(by, event) {
    const next = this.#at + by;
    if (next < 0 || next > this.#past.length) return;
    event.preventDefault();
    this.#at = next;
    this.#input.value = this.#past[next] ?? "";
    this.#grow();
  }

  #remember(code) {
    if (this.#past.at(-1) !== code) this.#past.push(code);
    this.#past = this.#past.slice(-KEPT);
    this.#at = this.#past.length;
    try {
      localStorage.setItem(KEY, JSON.stringify(this.#past));
    } catch {
      // Storage can be refused or full: the history then lasts as long as the page.
    }
  }

  #grow() {
    this.#input.rows = Math.min(8, this.#input.value.split("\n").length);
  }
}

function readPast() {
  try {
    const past = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(past) ? past : [];
  } catch {
    return [];
  }
}
