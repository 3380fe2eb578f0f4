// The form that saves what stands on the board as a file.
import { h } from "../dom.js";
import { formatCount } from "../numbers.js";
import { button, Words } from "../shell/buttons.js";
import { pageOf } from "./page-file.js";
import { downloadPage } from "./pages.js";

/**
 * The form, for a drawer.
 *
 * @param {{model: import("./model.js").RunModel, arrangement: import("./arrangement.js").Arrangement, pages: import("./pages.js").Pages}} page
 * @param {(page: object) => void} share - goes on to making a bundle of it.
 */
export function savePageContent({ model, arrangement, pages }, share) {
  const words = new Words();
  const title = field("text", "Title", `${model.catalogue?.run.name ?? "run"} page`);
  const help = field("text", "What it is for", "");
  const when = field("text", "For models with", "");
  when.placeholder = "*.MultiheadAttention, *Transformer*";
  const written = () => {
    const patterns = when.value.split(",").map((one) => one.trim()).filter(Boolean);
    const about = { title: title.value.trim() || title.placeholder, help: help.value.trim(), when: patterns };
    return pageOf(about, pages.panels, arrangement.layout().places, model.catalogue.metrics);
  };
  const save = () => {
    const page = written();
    downloadPage(page);
    const metrics = page.metrics.length ? ` and ${formatCount(page.metrics.length)} ${page.metrics.length === 1 ? "metric" : "metrics"} typed here` : "";
    words.say(`“${page.title}” is in the downloaded file: ${formatCount(page.panels.length)} panels${metrics}.`, "good");
  };
  title.placeholder = title.value;
  const element = h(
    "form",
    {
      class: "bv-editor bv-named",
      onsubmit: (event) => {
        event.preventDefault();
        save();
      },
    },
    h("p", {
      class: "bv-muted",
      text: "The panels as they stand, their charts and places, and the metrics that were typed on the page. Metrics of bundles are named: they come with the bundle.",
    }),
    labelled("Title", title),
    labelled("What it is for", help),
    labelled("For models with", when),
    h("p", {
      class: "bv-hint",
      text: "Names of module classes, with * for anything: a bundle that holds this page then offers it to such models. Empty: to every model.",
    }),
    panelList(pages.panels),
    h(
      "div",
      { class: "bv-row bv-actions" },
      button("Save to a file", save, { primary: true }),
      button("Share as a bundle…", () => share(written())),
      words.element,
    ),
  );
  return { key: "save-page", title: "Save this page", element, focus: () => title.select() };
}

function panelList(panels) {
  return h(
    "details",
    { class: "bv-fold" },
    h("summary", { text: `${formatCount(panels.length)} panels` }),
    h(
      "ul",
      { class: "bv-plain" },
      panels.map(({ title, metric, origin }) =>
        h("li", null, title, " ", h("span", { class: "bv-muted", text: metric?.origin || origin || "" })),
      ),
    ),
  );
}

function field(type, label, value) {
  return h("input", { type, "aria-label": label, value, spellcheck: "false" });
}

function labelled(text, control) {
  return h("label", { class: "bv-field bv-wide" }, h("span", { text }), control);
}
