// What a run's findings say, without a page: how many stand, in which words, and which panel shows one.
import { matches } from "./panels.js";

const RANK = { bad: 0, warning: 1, ok: 2 };
const LONGEST = 80;

/** Those that stand, the worst first. */
export function standing(findings) {
  return findings.filter(({ level }) => level !== "ok").sort((one, other) => RANK[one.level] - RANK[other.level]);
}

/**
 * Which rules there are: those that watch and find nothing, those that stand, and those that are there but do not watch.
 *
 * @param {object[]} findings
 * @param {{rule: string, on: boolean}[]} known - what bundles bring; a script's own rules are known by what they told.
 * @returns {{calm: string[], stands: string[], off: string[]}} names.
 */
export function rulesOf(findings, known = []) {
  const stands = standing(findings).map(({ rule }) => rule);
  const told = findings.map(({ rule }) => rule).filter((rule) => !known.some((one) => one.rule === rule));
  const rest = (rules) => rules.filter((rule) => !stands.includes(rule));
  const names = (on) => known.filter((one) => one.on === on).map(({ rule }) => rule);
  return { calm: rest([...names(true), ...told]), stands, off: rest(names(false)) };
}

/** `✓ 14 rules · ⚠ 1 rule`: how many rules watch and find nothing, and how many have found something. */
export function summaryOf(findings, known = []) {
  const now = standing(findings).length;
  const calm = rulesOf(findings, known).calm.length;
  const rules = (count) => `${count} ${count === 1 ? "rule" : "rules"}`;
  return [calm && `✓ ${rules(calm)}`, now && `⚠ ${rules(now)}`].filter(Boolean).join(" · ");
}

/** A sentence as far as a line has room for it. */
export function shortText(text) {
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1).trimEnd()}…` : text;
}

/**
 * The panel that shows a finding: the chart it names, else the one with its series.
 *
 * @param {{series?: string, chart?: string}} finding
 * @param {import("./panels.js").PanelSpec[]} panels
 */
export function panelOf({ series = "", chart = "" }, panels) {
  const showing = series ? panels.filter((panel) => shows(panel, series)) : [];
  return (
    (chart && (showing.find(({ title }) => title === chart) ?? panels.find(({ title }) => title === chart))) ||
    showing.find(({ metric }) => metric?.name === series) ||
    showing[0] ||
    null
  );
}

function shows({ metric, spec }, series) {
  if (spec?.series?.length) return spec.series.some((pattern) => matches(pattern, series));
  return Boolean(metric) && (metric.name === series || metric.series.includes(series));
}
