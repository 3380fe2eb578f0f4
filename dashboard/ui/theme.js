// Light and dark: what the system says, until the person chooses otherwise; the choice is kept in this browser.
import { Emitter } from "./emitter.js";

const KEY = "bidviz-theme";
const system = window.matchMedia("(prefers-color-scheme: dark)");
const changes = new Emitter();

/** @returns {"system"|"light"|"dark"} what was chosen. */
export function chosenTheme() {
  const kept = readKept();
  return kept === "light" || kept === "dark" ? kept : "system";
}

/** @returns {"light"|"dark"} what is shown. */
export function themeMode() {
  const chosen = chosenTheme();
  if (chosen !== "system") return chosen;
  return system.matches ? "dark" : "light";
}

/** Chooses and shows a theme. */
export function chooseTheme(choice) {
  try {
    if (choice === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, choice);
  } catch {
    // Storage is refused in some private windows: the choice then lasts as long as the page.
    kept = choice;
  }
  applyTheme();
}

/** From one theme to the other; back to "as the system has it" where that is the same. */
export function switchTheme() {
  const next = themeMode() === "dark" ? "light" : "dark";
  chooseTheme((system.matches ? "dark" : "light") === next ? "system" : next);
}

/** Calls back with `readTheme()` at each change; returns what takes the callback away. */
export function onThemeChange(callback) {
  return changes.on("change", callback);
}

/**
 * The colours of the moment, for what is drawn on a canvas.
 *
 * @param {Element} [element] - one that has a theme of its own (`data-theme`), and is on the page.
 */
export function readTheme(element = document.documentElement) {
  const style = getComputedStyle(element);
  const variable = (name) => style.getPropertyValue(`--bv-${name}`).trim();
  const names = [
    "text",
    "muted",
    "faint",
    "line",
    "grid",
    "surface",
    "raised",
    "accent",
    "good",
    "warn",
    "bad",
    "font",
    "mono",
  ];
  const theme = Object.fromEntries(names.map((name) => [name, variable(name)]));
  theme.mode = element.dataset.theme ?? themeMode();
  theme.series = [1, 2, 3, 4, 5, 6, 7, 8].map((number) => variable(`s${number}`));
  return theme;
}

function applyTheme() {
  const before = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = themeMode();
  if (before !== themeMode()) changes.emit("change", readTheme());
}

let kept = null;

function readKept() {
  try {
    return localStorage.getItem(KEY) ?? kept;
  } catch {
    return kept;
  }
}

system.addEventListener("change", applyTheme);
window.addEventListener("storage", (event) => event.key === KEY && applyTheme());
applyTheme();
