// What the runs table shows: rows for ag-grid, and how its cells are drawn.
import {
  formatAge,
  formatCount,
  formatDuration,
  formatExact,
  formatNumber,
  formatSpeed,
  formatTime,
} from "../numbers.js";
import { LIVE, STATES, stateSentence } from "../run/states.js";

/**
 * A row of the table.
 *
 * @param {object} summary - a `RunSummary`.
 */
export function rowOf({ run, status }) {
  const live = LIVE.has(status.state);
  return {
    id: run.id,
    name: run.name,
    state: status.state,
    sentence: stateSentence(status, run.started) || `running for ${formatDuration(status.elapsed)}`,
    step: status.step,
    epoch: status.epoch,
    speed: live ? status.speed : null,
    loss: status.loss,
    started: run.started,
    program: run.program,
    host: run.host,
    folder: run.folder,
  };
}

/** Registers the functions that the table's columns name; to be called before the table is made. */
export function registerTableFunctions() {
  const functions = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});
  functions.bidvizCount = (value) => (value === null || value === undefined ? "–" : formatCount(value));
  functions.bidvizNumber = (value) => formatNumber(value);
  functions.bidvizExact = (value) => formatExact(value);
  functions.bidvizSpeed = (value) => (value === null || value === undefined ? "–" : formatSpeed(value));
  functions.bidvizAge = (value) => formatAge(value);
  functions.bidvizTime = (value) => formatTime(value);
  functions.bidvizStateOrder = (one, other) => ORDER.indexOf(one) - ORDER.indexOf(other);
  const components = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});
  components.BidvizState = ({ value, data }) => {
    const state = STATES[value] ?? STATES.unknown;
    const { createElement: element } = window.React;
    const shape = element("path", {
      d: state.path,
      fill: state.hollow ? "none" : "currentColor",
      fillRule: state.evenodd ? "evenodd" : undefined,
      stroke: state.hollow ? "currentColor" : undefined,
      strokeWidth: 1.8,
      strokeLinecap: "round",
      strokeDasharray: state.dashed ? "2 2.7" : undefined,
    });
    return element(
      "span",
      { className: `bv-state bv-tone-${state.tone}`, title: data?.sentence },
      element("svg", { viewBox: "0 0 12 12", className: "bv-shape", "aria-hidden": true }, shape),
      element("span", null, state.word),
    );
  };
  components.BidvizSentence = ({ value }) => window.React.createElement("span", { className: "bv-run-sentence" }, value);
  components.BidvizRunLink = ({ value, data }) =>
    window.React.createElement(
      "a",
      {
        href: `/run/${encodeURIComponent(data.id)}`,
        className: "bv-run-link",
        title: `${data.program || value} · ${data.folder}`,
      },
      value,
    );
}

/** What needs a person comes first. */
const ORDER = ["failed", "lost", "stuck", "quiet", "paused", "running", "stopped", "ended"];
