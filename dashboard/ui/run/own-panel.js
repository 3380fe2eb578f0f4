// A panel that a person makes from series that are there: which, and drawn how.
import { fill, h } from "../dom.js";
import { button, Words } from "../shell/buttons.js";
import { ChartChoice } from "../editor/charts-choice.js";

/**
 * The form of a new panel, for a drawer.
 *
 * @param {import("./model.js").RunModel} model
 * @param {(panel: {id: string, title: string, spec: object}) => void} add
 */
export function ownPanelContent(model, add) {
  const words = new Words();
  const title = h("input", { type: "text", "aria-label": "Title", placeholder: "title" });
  const filter = h("input", {
    type: "search",
    "aria-label": "Filter the series",
    placeholder: "filter",
    oninput: () => drawNames(),
  });
  const chart = new ChartChoice([], () => {});
  chart.choose("Line");
  const names = h("div", { class: "bv-checks", role: "group", "aria-label": "Series" });
  const chosen = new Set();
  const drawNames = () => {
    const all = Object.entries(model.catalogue?.series ?? {}).filter(([name]) =>
      name.toLowerCase().includes(filter.value.toLowerCase()),
    );
    fill(
      names,
      all.length
        ? all.slice(0, 300).map(([name, kind]) => check(name, kind, chosen))
        : h("p", { class: "bv-muted", text: "No series yet." }),
    );
  };
  drawNames();
  const make = button(
    "Add panel",
    () => {
      if (!chosen.size) {
        words.say("Choose at least one series.", "warn");
        return;
      }
      const series = [...chosen];
      const text = title.value.trim() || series.join(", ");
      const spec = { ...(chart.spec ?? { bidviz_chart: 1, kind: "Line" }), series, title: text };
      add({ id: `own:${Date.now().toString(36)}`, title: text, spec });
      words.say(`“${text}” is on the page.`, "good");
    },
    { primary: true },
  );
  const element = h(
    "div",
    { class: "bv-editor" },
    h("p", { class: "bv-muted", text: "Series that are there already, on one chart. A new computation is a metric." }),
    h(
      "div",
      { class: "bv-form" },
      h("label", { class: "bv-field" }, h("span", { text: "Title" }), title),
      h("label", { class: "bv-field" }, h("span", { text: "Chart" }), chart.element),
    ),
    h("label", { class: "bv-field bv-wide" }, h("span", { text: "Series" }), filter),
    names,
    h("div", { class: "bv-row bv-actions" }, make, words.element),
  );
  return { key: "panel", title: "New panel", element, focus: () => title.focus() };
}

function check(name, kind, chosen) {
  const box = h("input", {
    type: "checkbox",
    onchange: () => (box.checked ? chosen.add(name) : chosen.delete(name)),
  });
  box.checked = chosen.has(name);
  return h(
    "label",
    { class: "bv-check" },
    box,
    h("span", { text: name }),
    kind !== "scalar" && h("span", { class: "bv-muted", text: kind }),
  );
}
