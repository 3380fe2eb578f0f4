// What the console has said: a terminal for the eyes, and the same as plain text for a screen reader.
import { h } from "../dom.js";
import { onThemeChange } from "../theme.js";
import { loadTerminal } from "./terminal.js";

const KEPT_LINES = 5000;
const KEPT_BLOCKS = 200; // in the text for screen readers
const ANSI = /\x1b\[[0-9;?]*[ -/]*[@-~]/g;

const LIGHT = {
  black: "#1b1f26",
  red: "#bb2d1f",
  green: "#0a7a4b",
  yellow: "#955800",
  blue: "#0b62b8",
  magenta: "#8b2fa8",
  cyan: "#00707a",
  white: "#59616e",
  brightBlack: "#69717e",
  brightRed: "#bb2d1f",
  brightGreen: "#0a7a4b",
  brightYellow: "#955800",
  brightBlue: "#0b62b8",
  brightMagenta: "#8b2fa8",
  brightCyan: "#00707a",
  brightWhite: "#1b1f26",
};
const DARK = {
  black: "#2b323c",
  red: "#ff8272",
  green: "#7fd6a4",
  yellow: "#e9ad4b",
  blue: "#8cc4f8",
  magenta: "#d89af0",
  cyan: "#7fd0d8",
  white: "#e4e8ee",
  brightBlack: "#8b95a3",
  brightRed: "#ff8272",
  brightGreen: "#7fd6a4",
  brightYellow: "#f2c26b",
  brightBlue: "#8cc4f8",
  brightMagenta: "#d89af0",
  brightCyan: "#7fd0d8",
  brightWhite: "#ffffff",
};

export class Screen {
  #place = h("div", { class: "bv-console-terminal", "aria-hidden": "true" });
  #log = h("div", { class: "bv-console-log", role: "log", "aria-label": "Console output", "aria-live": "polite" });
  #terminal = null;
  #fit = null;
  #waiting = [];
  #atStart = true;
  #watch = null;
  #off = null;
  #opening = null;
  element = h("div", { class: "bv-console-screen" }, this.#place, this.#log);

  /** @param {() => void} onClick - called when it is clicked and nothing in it is being chosen. */
  constructor(onClick) {
    this.element.addEventListener("mouseup", () => {
      if (!this.#terminal?.hasSelection()) onClick();
    });
  }

  /** Makes the terminal, once; what was written before appears then. */
  open() {
    this.#opening ??= this.#open().catch((error) => {
      this.#opening = null;
      this.#place.textContent = error.message;
    });
    return this.#opening;
  }

  /** Text as it comes, with the colours of a terminal. */
  write(text) {
    if (!text) return;
    this.#atStart = text.endsWith("\n");
    if (this.#terminal) this.#terminal.write(text);
    else this.#waiting.push(text);
    this.#say(text);
  }

  /** The same, beginning on a line of its own. */
  writeLine(text) {
    this.write(`${this.#atStart ? "" : "\n"}${text}\n`);
  }

  /** A line as it was typed. */
  echo(code) {
    const [first, ...rest] = code.replace(/\n+$/, "").split("\n");
    this.writeLine(`\x1b[1;34m›\x1b[0m \x1b[1m${[first, ...rest.map((line) => `  ${line}`)].join("\n")}\x1b[0m`);
  }

  /** Ends what a line left of its last line. */
  endLine() {
    if (!this.#atStart) this.write("\n");
  }

  clear() {
    this.#waiting = [];
    this.#terminal?.reset();
    this.#log.replaceChildren();
    this.#atStart = true;
  }

  scroll(pages) {
    this.#terminal?.scrollPages(pages);
  }

  /** What is chosen with the mouse. */
  get selection() {
    return this.#terminal?.getSelection() ?? "";
  }

  destroy() {
    this.#watch?.disconnect();
    this.#off?.();
    this.#terminal?.dispose();
  }

  async #open() {
    const { Terminal, FitAddon } = await loadTerminal();
    const style = getComputedStyle(document.documentElement);
    this.#terminal = new Terminal({
      convertEol: true,
      disableStdin: true,
      cursorStyle: "bar",
      cursorInactiveStyle: "none",
      fontFamily: style.getPropertyValue("--bv-mono"),
      fontSize: 12.5,
      lineHeight: 1.2,
      scrollback: KEPT_LINES,
      minimumContrastRatio: 4.5,
      theme: colours(),
    });
    this.#fit = new FitAddon();
    this.#terminal.loadAddon(this.#fit);
    this.#terminal.open(this.#place);
    // It is read, not typed into: the prompt below takes the keys.
    this.#place.querySelector("textarea")?.setAttribute("tabindex", "-1");
    this.#watch = new ResizeObserver(() => this.#refit());
    this.#watch.observe(this.#place);
    this.#off = onThemeChange(() => {
      this.#terminal.options.theme = colours();
    });
    this.#refit();
    for (const text of this.#waiting.splice(0)) this.#terminal.write(text);
  }

  #refit() {
    if (this.#place.clientWidth > 0 && this.#place.clientHeight > 0) this.#fit.fit();
  }

  #say(text) {
    const plain = text.replace(ANSI, "");
    if (!plain) return;
    this.#log.append(h("div", { text: plain }));
    while (this.#log.childElementCount > KEPT_BLOCKS) this.#log.firstElementChild.remove();
  }
}

function colours() {
  const style = getComputedStyle(document.documentElement);
  const variable = (name) => style.getPropertyValue(`--bv-${name}`).trim();
  const dark = document.documentElement.dataset.theme === "dark";
  return {
    ...(dark ? DARK : LIGHT),
    background: variable("surface"),
    foreground: variable("text"),
    cursor: variable("surface"),
    selectionBackground: dark ? "#2f5478" : "#b9d7f5",
  };
}
