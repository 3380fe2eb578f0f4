// The code editor: Python colours, completion, and errors marked on their line.
import { autocompletion, completionKeymap } from "@codemirror/autocomplete";
import { indentWithTab } from "@codemirror/commands";
import { pythonLanguage, python } from "@codemirror/lang-python";
import { HighlightStyle, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { EditorState, Prec } from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { basicSetup } from "codemirror";

export const colours = HighlightStyle.define([
  {
    tag: [tags.keyword, tags.controlKeyword, tags.operatorKeyword, tags.definitionKeyword, tags.moduleKeyword],
    color: "var(--bv-code-keyword)",
  },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--bv-code-string)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--bv-code-number)" },
  { tag: [tags.comment, tags.docString], color: "var(--bv-code-comment)", fontStyle: "italic" },
  {
    tag: [
      tags.function(tags.variableName),
      tags.function(tags.propertyName),
      tags.definition(tags.variableName),
      tags.meta,
    ],
    color: "var(--bv-code-name)",
  },
]);

/**
 * An editor for a metric's code.
 *
 * Args of `options`: `code`; `readOnly`; `onChange(code)`; `onTry()` (Ctrl-Enter); `onSave()` (Ctrl-S);
 * `complete(code, position) -> Promise<Completion[]>`, asked as the person types; `label` for screen readers; `hint` stands
 * where nothing is typed; `above`: completions are listed above the line, for an editor whose errors stand below it.
 */
export class CodeEditor {
  #view;

  constructor({
    code,
    readOnly = false,
    onChange = () => {},
    onTry = () => {},
    onSave = () => {},
    complete,
    label = "Code of the metric",
    hint = "grads.norm()",
    above = false,
  }) {
    const call = (action) => () => {
      action();
      return true;
    };
    const extensions = [
      // basicSetup binds Ctrl-Enter to a blank line: ours must come first.
      Prec.highest(
        keymap.of([
          { key: "Mod-Enter", run: call(onTry) },
          { key: "Mod-s", run: call(onSave), preventDefault: true },
        ]),
      ),
      basicSetup,
      keymap.of([...completionKeymap, indentWithTab]),
      python(),
      indentUnit.of("    "),
      syntaxHighlighting(colours),
      lintGutter(),
      EditorView.lineWrapping,
      EditorView.contentAttributes.of({ "aria-label": label }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) onChange(this.code);
      }),
      EditorState.readOnly.of(readOnly),
      placeholder(hint),
      autocompletion({ override: complete ? [completionSource(complete)] : undefined, icons: false, aboveCursor: above }),
      pythonLanguage.data.of({ closeBrackets: { brackets: ["(", "[", "{", "'", '"'] } }),
    ];
    this.#view = new EditorView({ state: EditorState.create({ doc: code, extensions }) });
    this.element = this.#view.dom;
  }

  get code() {
    return this.#view.state.doc.toString();
  }

  set code(text) {
    this.#view.dispatch({ changes: { from: 0, to: this.#view.state.doc.length, insert: text } });
    this.clearError();
  }

  /** Puts text where the cursor is. */
  insert(text) {
    this.#view.dispatch(this.#view.state.replaceSelection(text));
    this.focus();
  }

  /** Marks the line of an error from its column on, up to before `end_column`, and brings it into view. */
  markError({ line, column, end_column, message }) {
    const { doc } = this.#view.state;
    if (!line || line < 1 || line > doc.lines) {
      this.clearError();
      return;
    }
    const at = doc.line(line);
    const indent = at.text.length - at.text.trimStart().length;
    const from = Math.min(at.to, at.from + (column ? column - 1 : indent));
    const end = end_column ? end_column - 1 : at.text.trimEnd().length;
    const to = Math.max(from, Math.min(at.to, at.from + end));
    this.#view.dispatch(
      setDiagnostics(this.#view.state, [{ from: from === to ? at.from : from, to, severity: "error", message }]),
    );
    this.#view.dispatch({ effects: EditorView.scrollIntoView(at.from, { y: "nearest" }) });
  }

  clearError() {
    this.#view.dispatch(setDiagnostics(this.#view.state, []));
  }

  focus() {
    this.#view.focus();
  }

  destroy() {
    this.#view.destroy();
  }
}

function completionSource(complete) {
  return async (context) => {
    const word = context.matchBefore(/[\w]*/);
    const after = context.state.sliceDoc(Math.max(0, word.from - 1), word.from);
    if (!context.explicit && word.from === word.to && after !== ".") return null;
    const options = await complete(context.state.doc.toString(), context.pos, after === ".");
    return options.length ? { from: word.from, options, validFor: /^\w*$/ } : null;
  };
}
