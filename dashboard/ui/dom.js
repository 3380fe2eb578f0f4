// Making elements without a framework.

/**
 * Makes an element.
 *
 * @param {string} tag - its name; `svg:path` makes one of SVG's.
 * @param {object|null} [props] - attributes; `class`, `text`, `html` is not taken; `on…` are listeners; `dataset`, `style` are
 *   objects; `null`, `undefined` and `false` are left out and `true` is an empty attribute.
 * @param {...(Node|string|number|null|undefined|false|Array)} children
 * @returns {HTMLElement}
 */
export function h(tag, props, ...children) {
  const element = tag.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4))
    : document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2).toLowerCase(), value);
    else if (name === "text") element.textContent = value;
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name === "style") Object.assign(element.style, value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children) {
    if (Array.isArray(child)) append(element, child);
    else if (child !== null && child !== undefined && child !== false) element.append(child);
  }
}

/** Puts new children in place of the old. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

/**
 * Sets the text only when it differs, so that nothing is laid out again for nothing. The text node that is there is kept:
 * a new one makes the browser ask every rule with `:empty`, `:has` or `:first-child` anew, for much of the page.
 */
export function setText(element, text) {
  if (element.textContent === text) return;
  const node = element.firstChild;
  if (text && node?.nodeType === Node.TEXT_NODE && !node.nextSibling) node.data = text;
  else element.textContent = text;
}

/** Sets an element's tooltip only when it differs. */
export function setTitle(element, text) {
  if (element.title !== text) element.title = text;
}

/** Shows or hides an element. */
export function show(element, visible) {
  if (element.hidden === visible) element.hidden = !visible;
}

/** Hands a file to the person. */
export function download(name, blob) {
  const url = URL.createObjectURL(blob);
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Copies text; works on plain http as well, where the clipboard's own interface is missing. */
export async function copyText(text) {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = h("textarea", { value: text, style: { position: "fixed", opacity: "0" } });
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
