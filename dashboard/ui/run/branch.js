// Branching from a checkpoint: a new name, other values if wanted, and the way to see both.
import { fill, h } from "../dom.js";
import { formatCount, formatNumber } from "../numbers.js";
import { button, refuse, Words } from "../shell/buttons.js";
import { openPopover } from "../shell/popover.js";

/**
 * Opens the form at the button.
 *
 * @param {import("./model.js").RunModel} model
 * @param {object} checkpoint - a `CheckpointInfo`.
 * @param {HTMLElement} anchor
 * @param {{openRun: (run: string) => void, compare: (run: string) => void}} page
 */
export function branchForm(model, checkpoint, anchor, page) {
  const words = new Words();
  const held = model.hyperparameters.filter(({ settable }) => !settable);
  const name = h("input", {
    type: "text",
    value: `${model.catalogue?.run.name ?? "run"}-branch`,
    "aria-label": "Name of the branch",
    spellcheck: "false",
  });
  const rows = h("div", { class: "bv-branch-values" });
  const addRow = () => rows.append(valueRow(held, rows.childElementCount));
  const after = h("div", { class: "bv-row" });
  const go = button("Branch", () => submit(), { primary: true });
  const submit = async () => {
    const values = readValues([...rows.children].map(({ dataset, lastInput }) => [dataset.name, lastInput?.() ?? ""]));
    if (typeof values === "string") {
      words.say(values, "warn");
      return;
    }
    if (!name.value.trim()) {
      words.say("Give the branch a name.", "warn");
      return;
    }
    const content = { id: checkpoint.id, name: name.value.trim(), values };
    refuse(go, "The branch is being made.");
    const reply = await words.follow(
      (signal) =>
        model.request("branchCheckpoint", content, { signal, progress: (text) => words.say(text, "busy") }),
      {
        busy: "Branching…",
        done: ({ data }) => `“${data?.name ?? content.name}” goes on from step ${formatCount(checkpoint.step)}${changesText(values)}.`,
      },
    );
    refuse(go, "");
    const run = reply?.data?.run;
    if (!run) return;
    fill(
      after,
      button("Open the branch", () => page.openRun(run)),
      button("See both on one chart", () => {
        card?.close();
        page.compare(run);
      }),
    );
  };
  const card = openPopover(
    anchor,
    `Branch from step ${formatCount(checkpoint.step)}`,
    h("p", { class: "bv-muted", text: "The training goes on from there as another run; this run's record stays as it is." }),
    checkpoint.position && h("p", { class: "bv-tone-warn", text: `Data: ${checkpoint.position}` }),
    h(
      "form",
      { class: "bv-auto-form", onsubmit: (event) => (event.preventDefault(), go.click()) },
      h("label", { class: "bv-field" }, h("span", { text: "name" }), name),
      rows,
      held.length ? button("+ Another value", addRow) : null,
      h("div", { class: "bv-row" }, go, words.element),
      after,
    ),
  );
  if (held.length) addRow();
}

/** One line of the form: which hyperparameter, and its value in the branch; `lastInput()` reads what was typed. */
function valueRow(held, index) {
  const value = h("input", { type: "text", class: "bv-short", "aria-label": "Value", spellcheck: "false" });
  const row = h("div", { class: "bv-row" });
  const choice = h(
    "select",
    { "aria-label": "Hyperparameter", onchange: () => show() },
    held.map(({ name }) => h("option", { value: name, text: name })),
  );
  const show = () => {
    row.dataset.name = choice.value;
    const now = held.find(({ name }) => name === choice.value)?.value;
    value.placeholder = `now ${typeof now === "number" ? formatNumber(now) : String(now)}`;
  };
  choice.value = held[index % held.length].name;
  show();
  row.lastInput = () => value.value;
  return fill(row, choice, h("span", { text: "=" }), value);
}

/**
 * What was typed, as `branchCheckpoint` takes it: rows without a value are left out.
 *
 * @param {[string, string][]} rows - names and texts.
 * @returns {Record<string, *>|string} values, or a sentence about what is wrong.
 */
export function readValues(rows) {
  const values = {};
  for (const [name, text] of rows) {
    const typed = text.trim();
    if (!typed) continue;
    if (name in values) return `${name} stands there twice: keep one of them.`;
    const number = Number(typed);
    values[name] = Number.isFinite(number) ? number : WORDS.has(typed.toLowerCase()) ? typed.toLowerCase() === "true" : typed;
  }
  return values;
}

const WORDS = new Set(["true", "false"]);

function changesText(values) {
  const changes = Object.entries(values).map(([name, value]) => `${name} = ${value}`);
  return changes.length ? ` with ${changes.join(", ")}` : " with the values it had there";
}
