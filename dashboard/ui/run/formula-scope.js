// The names in scope of a policy's formula, each with a word about it.

const PLAIN = /^[A-Za-z_]\w*$/;

const CLOCK = [
  ["step", "the last step that is over"],
  ["epoch", "how many epochs are over"],
  ["elapsed", "seconds since the run started"],
  ["progress", "from 0 at the start to 1 at the end, where the length is known"],
  ["pi", "3.14159…"],
  ["base", "what the script and its own scheduler say"],
];
const FUNCTIONS = [
  ["last", '("name")', "the last value of a series"],
  ["mean", '("name", n)', "the mean of a series' last n values"],
  ["ewma", '("name", decay)', "the exponentially weighted mean of a series, decay 0 to 1"],
  ["best", '("name")', "the least value of a series so far; best(name, 1) the greatest"],
  ["since_best", '("name")', "steps since a series was at its least"],
  ["hp", '("name")', "a hyperparameter whose name is no plain word"],
  ["clip", "(x, low, high)", "x, kept between two bounds"],
  ["min", "(a, b)", "the least"],
  ["max", "(a, b)", "the greatest"],
  ["sin", "(x)", "sine, x in radians"],
  ["cos", "(x)", "cosine, x in radians"],
  ["tanh", "(x)", "hyperbolic tangent"],
  ["exp", "(x)", "e to the power x"],
  ["log", "(x)", "natural logarithm"],
  ["sqrt", "(x)", "square root"],
  ["floor", "(x)", "the whole number below"],
  ["ceil", "(x)", "the whole number above"],
  ["abs", "(x)", "without its sign"],
];

/** What reads metrics: such a formula can be dry-run over their history. */
const READS = /\b(last|mean|ewma|best|since_best)\s*\(/;

/**
 * All names, for the completion and for the list below the editor.
 *
 * @param {import("./model.js").RunModel} model
 * @param {string} target - what the formula is for: it may not read itself.
 * @returns {{label: string, apply: string, type: string, detail: string, info: string}[]}
 */
export function formulaNames(model, target) {
  const clock = CLOCK.map(([label, info]) => ({ label, apply: label, type: "variable", detail: "", info }));
  const hypers = model.hyperparameters
    .filter((info) => info.name !== target && info.kind !== "str")
    .map(({ name, value }) => ({
      label: name,
      apply: spelled(name, value),
      type: "constant",
      detail: "hyperparameter",
      info: Array.isArray(value) ? "differs between groups: the first one's value" : "its value in force",
    }));
  const taken = new Set([...clock, ...hypers].map((one) => one.label));
  const series = Object.entries(model.catalogue?.series ?? {})
    .filter(([name, kind]) => kind === "scalar" && !name.startsWith("hp/") && !taken.has(name))
    .map(([name]) => ({
      label: name,
      apply: PLAIN.test(name) ? name : `last("${name}")`,
      type: "property",
      detail: "series",
      info: "its last recorded value",
    }));
  const functions = FUNCTIONS.map(([label, detail, info]) => ({
    label,
    apply: `${label}(`,
    type: "function",
    detail,
    info,
  }));
  return [...clock, ...hypers, ...series, ...functions];
}

/** One number is meant: where groups differ, that of the first. */
function spelled(name, value) {
  if (Array.isArray(value)) return `hp("${name}[0]")`;
  return PLAIN.test(name) ? name : `hp("${name}")`;
}

/** For `CodeEditor`; inside quotes only names are offered, as they are. */
export function formulaCompletion(model, target) {
  return async (code, position) => {
    const before = code.slice(0, position);
    const quoted = (before.match(/"/g) ?? []).length % 2 === 1;
    const names = formulaNames(model, target());
    if (!quoted) return names.map((one) => ({ ...one, boost: one.type === "function" ? 0 : 1 }));
    const seriesToo = Object.keys(model.catalogue?.series ?? {}).map((label) => ({ label, type: "property" }));
    const hypers = names.filter((one) => one.type === "constant").map(({ label, info }) => ({ label, type: "constant", info }));
    return /\bhp\(\s*"[^"]*$/.test(before) ? hypers : seriesToo;
  };
}

/** Whether a formula depends on what was measured, so that its coming curve is a guess and a dry run says more. */
export function readsMetrics(formula, series = {}) {
  if (READS.test(formula)) return true;
  const words = formula.replace(/"[^"]*"/g, "").match(/[A-Za-z_]\w*/g) ?? [];
  return words.some((word) => word in series && word !== "lr" && word !== "epoch" && word !== "step");
}

/** Where the word at a column (from 1) ends, for the mark under an error. */
export function wordEnd(text, column) {
  const rest = text.slice(column - 1);
  return column + (rest.match(/^(\w+|\*\*|.)/u)?.[0].length ?? 1);
}
