// Where a console line is typed: Python's colours, several lines, the lines typed before, completion by Tab.
import {
  acceptCompletion,
  autocompletion,
  closeCompletion,
  completionStatus,
  moveCompletionSelection,
  startCompletion,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentMore } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { indentUnit, syntaxHighlighting } from "@codemirror/language";
import { EditorState, Prec } from "@codemirror/state";
import { EditorView, keymap, placeholder, tooltips } from "@codemirror/view";
import { colours } from "../editor/code.js";
import { fromCharacters, indentAfter, isWhole, toCharacters } from "./console-code.js";

/**
 * Args of `options`: `run(code)`; `complete(code, position) -> Promise<{matches, start}>`, counted in characters;
 * `interrupt()` (Ctrl-C with nothing chosen), `clear()` (Ctrl-L), `leave()` (Escape), `scroll(pages)`.
 */
export class Prompt {
  #view;
  #options;
  #past = [];
  #at = 0;
  #draft = "";

  constructor(options) {
    this.#options = options;
    this.#view = new EditorView({
      state: EditorState.create({
        extensions: [
          Prec.highest(keymap.of(this.#keys())),
          history(),
          keymap.of([...defaultKeymap, ...historyKeymap]),
          python(),
          indentUnit.of("    "),
          syntaxHighlighting(colours),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": "Python to run in the training", "aria-multiline": "true" }),
          placeholder("model"),
          tooltips({ position: "fixed" }),
          autocompletion({
            activateOnTyping: false,
            defaultKeymap: false,
            icons: false,
            override: [(context) => this.#complete(context)],
          }),
        ],
      }),
    });
    this.element = this.#view.dom;
  }

  get code() {
    return this.#view.state.doc.toString();
  }

  set code(text) {
    const { state } = this.#view;
    this.#view.dispatch({
      changes: { from: 0, to: state.doc.length, insert: text },
      selection: { anchor: text.length },
      scrollIntoView: true,
    });
  }

  /** Lines that were typed before, oldest first. */
  set past(lines) {
    this.#past = [...lines, ...this.#past.filter((line) => !lines.includes(line))];
    this.#at = this.#past.length;
  }

  /** Remembers a line. */
  remember(code) {
    if (this.#past.at(-1) !== code) this.#past.push(code);
    this.#at = this.#past.length;
    this.#draft = "";
  }

  focus() {
    this.#view.focus();
  }

  destroy() {
    this.#view.destroy();
  }

  #keys() {
    const done = (action) => () => {
      action();
      return true;
    };
    return [
      { key: "Enter", run: () => this.#enter() },
      { key: "Mod-Enter", run: done(() => this.#options.run(this.code)) },
      { key: "Shift-Enter", run: done(() => this.#newLine()) },
      { key: "Tab", run: () => this.#tab() },
      { key: "ArrowUp", run: () => this.#choose(false) || this.#browse(-1) },
      { key: "ArrowDown", run: () => this.#choose(true) || this.#browse(1) },
      { key: "Escape", run: (view) => closeCompletion(view) || done(() => this.#options.leave())() },
      { key: "Ctrl-c", run: () => this.#interrupt() },
      { key: "Ctrl-l", run: done(() => this.#options.clear()), preventDefault: true },
      { key: "PageUp", run: done(() => this.#options.scroll(-1)) },
      { key: "PageDown", run: done(() => this.#options.scroll(1)) },
    ];
  }

  #enter() {
    if (acceptCompletion(this.#view)) return true;
    const { state } = this.#view;
    const atEnd = state.selection.main.head >= state.doc.length;
    if (isWhole(this.code) && (atEnd || state.doc.lines === 1)) this.#options.run(this.code);
    else this.#newLine();
    return true;
  }

  #newLine() {
    const { state } = this.#view;
    const before = state.sliceDoc(0, state.selection.main.from);
    this.#view.dispatch(state.replaceSelection(`\n${indentAfter(before)}`), { scrollIntoView: true });
  }

  #tab() {
    if (acceptCompletion(this.#view)) return true;
    const { state } = this.#view;
    const { from, empty } = state.selection.main;
    const line = state.doc.lineAt(from);
    if (!empty) return indentMore(this.#view);
    if (!state.sliceDoc(line.from, from).trim()) {
      if (!this.code.trim()) return false; // an empty prompt is left by Tab, as every field is
      this.#view.dispatch(state.replaceSelection("    "));
      return true;
    }
    return startCompletion(this.#view);
  }

  #choose(forward) {
    return completionStatus(this.#view.state) === "active" && moveCompletionSelection(forward)(this.#view);
  }

  #browse(by) {
    const { state } = this.#view;
    const line = state.doc.lineAt(state.selection.main.head).number;
    if (line !== (by < 0 ? 1 : state.doc.lines)) return false;
    const next = this.#at + by;
    if (next < 0 || next > this.#past.length) return false;
    if (this.#at === this.#past.length) this.#draft = this.code;
    this.#at = next;
    this.code = this.#past[next] ?? this.#draft;
    return true;
  }

  #interrupt() {
    if (!this.#view.state.selection.main.empty) return false; // that is a copy
    this.#options.interrupt();
    return true;
  }

  async #complete(context) {
    const code = context.state.doc.toString();
    const { matches, start } = await this.#options.complete(code, toCharacters(code, context.pos));
    if (context.aborted || !matches.length) return null;
    const from = fromCharacters(code, start);
    if (matches.length === 1) {
      this.#view.dispatch({
        changes: { from, to: context.pos, insert: matches[0] },
        selection: { anchor: from + matches[0].length },
      });
      return null;
    }
    return { from, options: matches.map((label) => ({ label })), validFor: /^[\w.%]*$/ };
  }
}
