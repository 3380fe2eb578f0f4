// What a console line needs to know of Python's text: whether it is whole, and where a cursor stands in characters.

const OPEN = { "(": ")", "[": "]", "{": "}" };

/**
 * Whether Enter runs a text rather than begins a new line of it: nothing is open, and a block has had its empty line.
 *
 * @param {string} code
 */
export function isWhole(code) {
  const { depth, quoted } = scan(code);
  if (quoted || depth > 0) return false;
  const lines = code.split("\n");
  const last = lines.at(-1);
  if (/\\$/.test(last)) return false;
  if (lines.length === 1) return !/:\s*(#.*)?$/.test(last) && !/^\s*(@|%%)/.test(last);
  if (!last.trim()) return true;
  const isBlock = lines.some((line) => /:\s*(#.*)?$/.test(line)) || /^\s*(@|%%)/.test(lines[0]);
  return !isBlock && !/^\s/.test(last);
}

/** The spaces that a new line after this text begins with. */
export function indentAfter(code) {
  const last = code.split("\n").at(-1);
  const indent = /^\s*/.exec(last)[0];
  return /:\s*(#.*)?$/.test(last) ? `${indent}    ` : indent;
}

/** Python counts characters, JavaScript counts halves of them. */
export function toCharacters(text, position) {
  return Array.from(text.slice(0, position)).length;
}

export function fromCharacters(text, characters) {
  return Array.from(text).slice(0, characters).join("").length;
}

/** How many brackets are open at the end, and whether a string of three quotes is. */
function scan(code) {
  let depth = 0;
  let quoted = "";
  for (let at = 0; at < code.length; at += 1) {
    const char = code[at];
    if (quoted) {
      if (char === "\\") at += 1;
      else if (code.startsWith(quoted, at)) {
        at += quoted.length - 1;
        quoted = "";
      } else if (char === "\n" && quoted.length === 1) quoted = "";
    } else if (char === "#") {
      const end = code.indexOf("\n", at);
      at = end < 0 ? code.length : end;
    } else if (char === '"' || char === "'") {
      quoted = code.startsWith(char.repeat(3), at) ? char.repeat(3) : char;
      at += quoted.length - 1;
    } else if (OPEN[char]) depth += 1;
    else if (")]}".includes(char)) depth -= 1;
  }
  return { depth, quoted: quoted.length === 3 };
}
