// A name for a metric from its code, until the person gives one.

/**
 * @param {string} code
 * @param {(name: string) => boolean} taken
 * @returns {string} `""` where the code says nothing yet.
 */
export function suggestName(code, taken) {
  const decorated = /@(?:\w+\.)?metric\b[\s\S]*?\n\s*(?:async\s+)?def\s+(\w+)/.exec(code);
  const base = decorated ? decorated[1] : fromExpression(code);
  if (!base) return "";
  if (!taken(base)) return base;
  for (let number = 2; ; number++) {
    if (!taken(`${base}_${number}`)) return `${base}_${number}`;
  }
}

function fromExpression(code) {
  const lines = code
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .filter(Boolean);
  const last = (lines.at(-1) ?? "").replace(/^return\b/, "");
  const words = last.replace(/["'][^"']*["']/g, (text) => ` ${text.slice(1, -1)} `).match(/[A-Za-z_]\w*/g) ?? [];
  return words
    .filter(
      (word) => !["name", "for", "in", "if", "else", "torch", "np", "math", "float", "item", "last"].includes(word),
    )
    .slice(0, 3)
    .join("_")
    .slice(0, 40);
}
