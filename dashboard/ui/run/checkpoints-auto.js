// Checkpoints by themselves: every n steps, when a condition comes to hold, in a ring of a size.
import { h, setText } from "../dom.js";
import { formatBytes, formatCount } from "../numbers.js";
import { button, refuse, Words } from "../shell/buttons.js";

const LIMIT = 500; // MB that a new ring may take
const MEGABYTE = 1e6;

/**
 * The form.
 *
 * @param {import("./model.js").RunModel} model
 * @returns {{element: HTMLElement, destroy: () => void}}
 */
export function autoForm(model) {
  const words = new Words();
  const number = (label, more) => h("input", { type: "number", min: "1", step: "1", class: "bv-short", "aria-label": label, ...more });
  const every = number("Every so many steps", { placeholder: "never" });
  const when = h("input", { type: "text", placeholder: "loss < 0.1", spellcheck: "false", autocomplete: "off", "aria-label": "When a condition comes to hold" });
  const limit = number("Megabytes at most", { value: String(LIMIT) });
  const summary = h("summary", { text: "By itself: off" });
  const apply = async (content) => {
    const reply = await words.follow((signal) => model.request("autoCheckpoint", content, { signal }), {
      busy: "At the next step…",
      done: () => sentenceOf(content),
    });
    if (reply) setText(summary, `By itself: ${shortOf(content)}`);
  };
  const set = button("Apply", () => {
    const content = readForm(every.value, when.value, limit.value);
    if (typeof content === "string") words.say(content, "warn");
    else apply(content);
  });
  const off = button("Switch off", () => apply({ every: null, when: "", limit_bytes: null }));
  const draw = () => {
    for (const one of [set, off]) refuse(one, model.refusal("tune"));
    // What is in force was told by the journal, also to who comes later.
    const last = model.journal.findLast((entry) => entry.action === "autoCheckpoint" && entry.success)?.detail;
    if (last && "every" in last) setText(summary, `By itself: ${shortOf(last)}`);
  };
  const offs = ["status", "connection", "journal"].map((event) => model.on(event, draw));
  draw();
  const field = (text, control, unit = "") =>
    h("label", { class: "bv-field" }, h("span", { text }), control, unit && h("span", { text: unit }));
  const element = h(
    "details",
    { class: "bv-fold bv-auto" },
    summary,
    h(
      "form",
      { class: "bv-auto-form", onsubmit: (event) => (event.preventDefault(), set.click()) },
      field("every", every, "steps"),
      field("when", when),
      field("keep at most", limit, "MB; the oldest go first"),
      h("div", { class: "bv-row" }, set, off),
      words.element,
    ),
  );
  return { element, destroy: () => offs.forEach((stop) => stop()) };
}

/**
 * What was typed, as `autoCheckpoint` takes it.
 *
 * @returns {object|string} the content, or a sentence about what is wrong.
 */
export function readForm(every, when, limit) {
  const steps = every.trim() === "" ? null : Number(every);
  if (steps !== null && !(Number.isInteger(steps) && steps > 0)) return `“${every}” is no number of steps: give a whole number from 1, or nothing for never.`;
  const megabytes = limit.trim() === "" ? null : Number(limit);
  if (megabytes !== null && !(megabytes > 0)) return `“${limit}” is no size: give megabytes, or nothing for no limit.`;
  if (steps === null && !when.trim()) return "Say every how many steps, or when.";
  return { every: steps, when: when.trim(), limit_bytes: megabytes === null ? null : Math.round(megabytes * MEGABYTE) };
}

/** The setting in a few words. */
export function shortOf({ every, when, limit_bytes: limit }) {
  const parts = [every && `every ${formatCount(every)} steps`, when && `when ${when}`].filter(Boolean);
  if (!parts.length) return "off";
  return `${parts.join(" and ")}${limit ? `, up to ${formatBytes(limit)}` : ""}`;
}

function sentenceOf(content) {
  const words = shortOf(content);
  return words === "off" ? "No checkpoint is saved by itself any more; those that are there stay." : `A checkpoint is saved ${words}.`;
}
