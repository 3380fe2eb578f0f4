// What is in a bundle before anything of it runs: what it holds, needs and costs, where it comes from, its hash, and its code.
import { h } from "../dom.js";
import { formatCount } from "../numbers.js";
import { drawBundle } from "../preview/draw.js";
import { filesView, pythonView } from "./code.js";
import { argumentsOf, contentsText, costOf, needText, sourceText, standingOf } from "./words.js";

/**
 * Draws an inspection.
 *
 * @param {object} said - what `inspectBundle` answered, or what the search knows: name, version, source, hash, description, needs, files,
 *   refusals, warnings.
 * @returns {{element: HTMLElement, destroy: () => void}}
 */
export function inspectionView(said) {
  const { description, needs = [], files = [] } = said;
  const { refusals, missing } = standingOf(said);
  const warnings = [...(said.warnings ?? [])];
  if (missing.length && !refusals.length)
    warnings.unshift(`${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} missing here: “Install…” asks whether to bring it along.`);
  const charts = h("div");
  const element = h(
    "div",
    { class: "bv-inspection" },
    refusals.length > 0 &&
      sentences("It cannot be installed here", refusals, "bad"),
    warnings.length > 0 && sentences("To know before", warnings, "warn"),
    section(
      "About it",
      h(
        "dl",
        { class: "bv-card-facts" },
        fact("holds", contentsText(description) || (description ? "nothing that it tells of" : "it brings no description of itself")),
        fact("costs", costOf(description)),
        fact("reads of a step", argumentsOf(description).join(", ")),
        fact("comes", sourceText(said.source, said.origin) + (said.address ? ` (${said.address})` : "")),
        fact("licence", said.license),
        fact("Python", said.requires_python),
        fact("author", said.author),
        fact("wheel", said.hash, true),
        fact("code", said.code || description?.hash, true),
      ),
    ),
    section("What it needs", needList(needs)),
    section("What it shows, from its own samples", charts),
    said.text && section("What it says of itself", readme(said.text)),
    description?.policies?.length > 0 && section("Policies", description.policies.map(policyView)),
    description?.pages?.length > 0 && section("Pages", description.pages.map(pageView)),
    section(
      said.running?.length ? "Which code runs" : "Which code would run",
      said.entry_points && h("p", { class: "bv-hint", text: `When it is loaded, ${importsOf(said.entry_points)} is imported.` }),
      files.length ? filesView(files) : codeOf(said.running, description),
    ),
  );
  const drawn = description?.samples && Object.keys(description.samples).length ? drawBundle(charts, description) : null;
  if (!drawn) charts.append(h("p", { class: "bv-muted", text: "It brings no samples, so there is nothing to draw before it runs." }));
  return { element, destroy: () => drawn?.destroy() };
}

function importsOf(points) {
  return [...new Set(Object.values(points))].join(" and ") || "nothing";
}

function section(title, ...children) {
  return h("section", { class: "bv-inspected", "aria-label": title }, h("h3", { text: title }), children);
}

function sentences(title, all, tone) {
  return h(
    "section",
    { class: `bv-inspected bv-said bv-said-${tone}`, role: tone === "bad" ? "alert" : null, "aria-label": title },
    h("h3", { text: title }),
    h("ul", null, all.map((text) => h("li", { text }))),
  );
}

function fact(label, text, code = false) {
  if (!text) return null;
  return h("div", null, h("dt", { text: label }), h("dd", { text, class: code ? "bv-code bv-hash" : null }));
}

function needList(needs) {
  const shown = needs.map(needText);
  if (!shown.length) return h("p", { class: "bv-muted", text: "Nothing but BIDViz itself." });
  return h(
    "ul",
    { class: "bv-plain bv-needs" },
    shown.map(({ requirement, word, tone, text }) =>
      h(
        "li",
        null,
        h("code", { text: requirement }),
        " ",
        h("span", { class: `bv-tone-${tone}`, text: word }),
        text && h("span", { class: "bv-muted", text: ` ${text}` }),
      ),
    ),
  );
}

/** Its README as it was written: somebody else's text is shown, never made part of the page. */
function readme(text) {
  return h("details", { class: "bv-fold" }, h("summary", { text: "README" }), h("pre", { text }));
}

function policyView({ name, target, help, code }) {
  return h(
    "article",
    { class: "bv-item" },
    h("header", null, h("strong", { text: name }), h("span", { class: "bv-muted", text: target ? `for ${target}` : "" })),
    help && h("p", { text: help }),
    code && h("details", { class: "bv-fold" }, h("summary", { text: "Code" }), pythonView(code, `Code of ${name}`)),
  );
}

function pageView({ title, help, when = [], panels = [] }) {
  const models = when.length ? `for models with ${when.join(", ")}` : "for every model";
  return h(
    "article",
    { class: "bv-item" },
    h("header", null, h("strong", { text: title }), h("span", { class: "bv-muted", text: `${formatCount(panels.length)} panels, ${models}` })),
    help && h("p", { text: help }),
  );
}

/** Where there are no files to see: the metrics' code that runs now, or the description's own word for it, which is no proof and says so. */
function codeOf(running, description) {
  const metrics = running?.length ? running : (description?.metrics ?? []).filter(({ code }) => code);
  if (!metrics.length) return h("p", { class: "bv-muted", text: "Its files have not been looked at." });
  return [
    h("p", {
      class: "bv-hint",
      text: running?.length
        ? "The code of its metrics, as it runs in this training now."
        : "As it describes itself; the files themselves have not been looked at.",
    }),
    metrics.map(({ name, code }) => [h("h4", { class: "bv-code", text: name }), pythonView(code, `Code of ${name}`)]),
  ];
}
