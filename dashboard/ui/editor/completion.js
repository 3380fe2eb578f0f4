// Completion of metric code: the names in scope at once, and what the training process knows of an object's attributes.

const KEYWORDS = [
  "return",
  "for",
  "if",
  "else",
  "elif",
  "import",
  "from",
  "def",
  "with",
  "while",
  "lambda",
  "None",
  "True",
  "False",
  "and",
  "or",
  "not",
  "in",
  "is",
];
const MODULES = [
  ["torch", "PyTorch"],
  ["np", "numpy"],
  ["math", "Python's math"],
];

/**
 * @param {import("../run/model.js").RunModel} model
 * @returns {(code: string, position: number, attribute: boolean) => Promise<object[]>} for `CodeEditor`.
 */
export function metricCompletion(model) {
  return async (code, position, attribute) => {
    const local = attribute ? [] : scopeOptions(model);
    let remote = [];
    if (!model.refusal("code")) {
      try {
        // Python counts characters, JavaScript counts halves of them.
        const { data } = await model.request("complete", {
          code,
          position: Array.from(code.slice(0, position)).length,
        });
        remote = (Array.isArray(data) ? data : (data?.completions ?? [])).map(toOption);
      } catch (error) {
        if (!error.lost) console.warn("No completion:", error.message);
      }
    }
    const seen = new Set(local.map((option) => option.label));
    return [...local, ...remote.filter((option) => !seen.has(option.label))];
  };
}

function scopeOptions(model) {
  const names = (model.catalogue?.arguments ?? []).map(({ name, help, available }) => ({
    label: name,
    type: "variable",
    detail: available ? "not here" : "",
    info: available || help,
    boost: 2,
  }));
  const modules = MODULES.filter(([label]) => !names.some((one) => one.label === label)).map(([label, info]) => ({
    label,
    type: "namespace",
    info,
    boost: 1,
  }));
  return [...names, ...modules, ...KEYWORDS.map((label) => ({ label, type: "keyword", boost: -1 }))];
}

function toOption(one) {
  if (typeof one === "string") return { label: one, type: "property" };
  return {
    label: one.name ?? one.label,
    type: TYPES[one.kind ?? one.type] ?? "property",
    info: one.help || one.info || undefined,
    detail: one.signature || undefined,
  };
}

const TYPES = {
  function: "function",
  class: "class",
  module: "namespace",
  instance: "variable",
  keyword: "keyword",
  property: "property",
  statement: "variable",
};
