// Code that is only looked at: Python's colours as in the editor, drawn once, with line numbers.
import { pythonLanguage } from "@codemirror/lang-python";
import { highlightCode, tagHighlighter, tags } from "@lezer/highlight";
import { h } from "../dom.js";
import { formatBytes } from "../numbers.js";

const COLOURS = tagHighlighter([
  {
    tag: [tags.keyword, tags.controlKeyword, tags.operatorKeyword, tags.definitionKeyword, tags.moduleKeyword],
    class: "bv-py-keyword",
  },
  { tag: [tags.string, tags.special(tags.string)], class: "bv-py-string" },
  { tag: [tags.number, tags.bool, tags.null], class: "bv-py-number" },
  { tag: [tags.comment, tags.docString], class: "bv-py-comment" },
  {
    tag: [tags.function(tags.variableName), tags.function(tags.propertyName), tags.definition(tags.variableName), tags.meta],
    class: "bv-py-name",
  },
]);

/** Python with its colours, as text that can be chosen and read out. */
export function pythonView(code, label = "Code") {
  const view = h("pre", { class: "bv-code bv-source", tabindex: "0", "aria-label": label });
  const put = (text, classes) => view.append(classes ? h("span", { class: classes, text }) : text);
  highlightCode(code, pythonLanguage.parser.parse(code), COLOURS, put, () => view.append("\n"));
  return view;
}

/**
 * The files of a wheel, each behind a fold; Python's are drawn when they are opened.
 *
 * @param {{path: string, size?: number, code?: string|null}[]} files
 */
export function filesView(files) {
  return files.map(({ path, size, code }) => {
    const fold = h(
      "details",
      { class: "bv-fold bv-file" },
      h(
        "summary",
        null,
        h("span", { class: "bv-code", text: path }),
        " ",
        h("span", { class: "bv-muted bv-number", text: size === undefined ? "" : formatBytes(size) }),
      ),
    );
    fold.addEventListener("toggle", () => {
      if (fold.open && fold.childElementCount === 1) fold.append(textView(path, code));
    });
    return fold;
  });
}

function textView(path, code) {
  if (code === null || code === undefined || code === "")
    return h("p", { class: "bv-muted", text: code === "" ? "It is empty." : "No text to show; it is no code that Python reads." });
  if (path.endsWith(".py")) return pythonView(code, path);
  return h("pre", { class: "bv-code bv-source", tabindex: "0", "aria-label": path, text: code });
}
