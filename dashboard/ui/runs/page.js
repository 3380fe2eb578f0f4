// The page of all runs: a bar above, ag-grid's table (a Dash component) fed from our socket, and what to do when there is none.
import { copyText, h, setText, show } from "../dom.js";
import { formatTime } from "../numbers.js";
import { navigate, openDiscover } from "../navigate.js";
import { Connection, silenceText } from "../socket/connection.js";
import { showExtensions } from "../extension/links.js";
import { homeLink } from "../run/header.js";
import { switchTheme } from "../theme.js";
import { button, refuse } from "../shell/buttons.js";
import { closePopover } from "../shell/popover.js";
import { focusOn, skipLink } from "../shell/skip.js";
import { chooseRuns } from "../run/compare-choice.js";
import { pathOfRuns } from "../compare/differences.js";
import { rowOf } from "./table.js";

const LINES = ["import bidviz_core as bidviz", "session = bidviz.watch(model, optimizer)"];

/** As `runs_table.py` begins with. */
const SELECTION = { mode: "multiRow", headerCheckbox: false, enableClickSelection: false };

/** What a person does to choose a run; by the time such an event has come up here, the table has acted on it. */
const CHOICES = ["click", "change", "keydown"];

/** Columns that a telephone has no room for; the run's page tells the same. */
const WIDE_ONLY = ["sentence", "speed", "program", "host", "loss"];
/** Columns that a small window has no room for beside the numbers: a run's link tells them. */
const LARGE_ONLY = ["program", "host"];
/** Widths of what is no words: numbers need theirs whole, the name and the sentence take what is left. */
const WIDE = { state: 116, step: 116, started: 112 };
/** Widths of those that stay, none below the least that the table allows; the name takes what they leave. */
const NARROW = { state: 92, step: 84, started: 80 };

/**
 * Shows the bar and the empty state in an element, and feeds a table.
 *
 * @param {HTMLElement} element
 * @param {string} table - the id of the ag-grid component.
 * @returns {{destroy: () => void}}
 */
export function mountRunsPage(element, table) {
  const connection = new Connection("");
  const count = h("span", { class: "bv-muted", role: "status" });
  const lost = h("span", { class: "bv-tone-bad", role: "status" });
  let chosen = [];
  let told = chosen;
  let latest = null;
  const narrow = window.matchMedia("(max-width: 760px)");
  const small = window.matchMedia("(max-width: 1240px)");
  const compare = button("Compare", () => (narrow.matches ? chooseHere(compare) : navigate(pathOfRuns(chosen))));
  compare.classList.add("bv-runs-compare");
  const drawCompare = () => {
    setText(compare.querySelector("span"), narrow.matches ? "Compare…" : compareText(chosen.length));
    const few = narrow.matches ? latest && latest.length < 2 : chosen.length < 2;
    const reason = narrow.matches ? "There are no two runs to compare." : "Select two runs or more in the table.";
    refuse(compare, few ? reason : "");
    if (narrow.matches) compare.setAttribute("aria-haspopup", "dialog");
    else compare.removeAttribute("aria-haspopup");
  };
  drawCompare();
  const filter = h("input", {
    type: "search",
    class: "bv-search",
    placeholder: "Filter runs  /",
    "aria-label": "Filter runs",
    oninput: () => gridApi(table)?.setGridOption("quickFilterText", filter.value),
  });
  const links = h("nav", { class: "bv-row", "aria-label": "Pages of bundles" });
  const problems = h("div", { class: "bv-extension-problems", role: "status", hidden: true });
  showExtensions(links, problems);
  const bar = h(
    "header",
    { class: "bv-header" },
    h(
      "nav",
      { class: "bv-crumbs", "aria-label": "Where you are" },
      homeLink(() => navigate("/")),
      h("span", { class: "bv-crumb-mark", "aria-hidden": "true", text: "▸" }),
      h("h1", { class: "bv-run-name", text: "runs" }),
    ),
    count,
    lost,
    h("span", { class: "bv-spring" }),
    button("Discover", () => openDiscover("")),
    links,
    compare,
    filter,
    h("div", { class: "bv-controls" }, button("Light or dark", switchTheme, { icon: "theme", bare: true })),
  );
  const fitColumns = () => {
    drawCompare();
    const api = gridApi(table);
    if (!api) return;
    api.setColumnsVisible(WIDE_ONLY, !narrow.matches);
    api.setColumnsVisible(LARGE_ONLY, !small.matches);
    const widths = narrow.matches ? NARROW : WIDE;
    const state = Object.entries(widths).map(([colId, width]) => ({ colId, width, flex: null }));
    api.applyColumnState({ state });
    // A telephone has no room for boxes: there *Compare…* opens a list that has them.
    api.setGridOption("rowSelection", { ...SELECTION, checkboxes: !narrow.matches });
    api.setColumnsVisible(["ag-Grid-SelectionColumn"], !narrow.matches);
  };
  for (const query of [narrow, small]) query.addEventListener("change", fitColumns);
  // The Dash component selects again, with each new rows, what it last heard was selected, and hears of a click a
  // moment after it: a click in between would be taken back. So the choice is read as it is made, and kept here.
  const onChoice = ({ type, key, target }) => {
    const api = gridApi(table);
    if (!api || (type === "keydown" ? key !== " " : !target.closest(".ag-selection-checkbox"))) return;
    chosen = selectedIn(api);
    drawCompare();
  };
  const onSelect = ({ api }) => {
    if (sameRuns(selectedIn(api), chosen)) return;
    const nodes = chosen.map((id) => api.getRowNode(id)).filter(Boolean);
    const others = api.getSelectedNodes().filter((node) => !chosen.includes(node.id));
    api.setNodesSelected({ nodes, newValue: true });
    api.setNodesSelected({ nodes: others, newValue: false });
  };
  let gone = false;
  window.dash_ag_grid?.getApiAsync(table).then((api) => {
    if (gone) return;
    fitColumns();
    if (latest) draw(latest); // they may have come before the table was there
    api.addEventListener("selectionChanged", onSelect);
  });
  const empty = emptyState();
  const skip = skipLink("Skip to the content", () => focusOn(empty.hidden ? place : empty));
  element.replaceChildren(skip, bar, problems, empty);
  show(empty, false);
  const place = document.getElementById(`${table}-place`);
  for (const type of CHOICES) place.addEventListener(type, onChoice);

  const draw = (runs) => {
    latest = runs;
    chosen = chosen.filter((id) => runs.some(({ run }) => run.id === id));
    drawCompare();
    const choice = sameRuns(chosen, told) ? {} : { selectedRows: { ids: chosen } };
    told = chosen;
    window.dash_clientside.set_props(table, { rowData: runs.map(rowOf), ...choice });
    show(empty, runs.length === 0);
    place.style.display = runs.length ? "" : "none";
    const live = runs.filter((one) => one.live).length;
    setText(count, runs.length ? `${runs.length} ${runs.length === 1 ? "run" : "runs"}, ${live} live` : "");
    document.title = `${live ? `${live} live · ` : ""}BIDViz`;
  };
  connection.on("runs", draw);
  connection.on("open", () =>
    connection.request("subscribeRuns").catch((error) => error.lost || setText(lost, error.message)),
  );
  connection.on("state", (state) => {
    setText(
      lost,
      state === "lost" ? `Connection to the dashboard lost at ${formatTime(connection.lostSince)}; trying again` : "",
    );
    place.classList.toggle("bv-stale-table", state === "lost");
  });
  connection.on("silence", (since) => {
    setText(lost, silenceText(connection));
    place.classList.toggle("bv-stale-table", since !== null);
  });
  const onKey = (event) => {
    if (event.key !== "/" || event.target.closest("input, textarea")) return;
    event.preventDefault();
    filter.focus();
  };
  document.addEventListener("keydown", onKey);
  return {
    destroy() {
      for (const query of [narrow, small]) query.removeEventListener("change", fitColumns);
      gone = true;
      closePopover(false);
      gridApi(table)?.removeEventListener("selectionChanged", onSelect);
      for (const type of CHOICES) place.removeEventListener(type, onChoice);
      document.removeEventListener("keydown", onKey);
      connection.close();
    },
  };
}

function selectedIn(api) {
  return api.getSelectedRows().map(({ id }) => id);
}

function sameRuns(one, other) {
  return one.length === other.length && one.every((id) => other.includes(id));
}

function compareText(count) {
  return count > 1 ? `Compare ${count} runs` : "Compare";
}

/** Where the table has no room for boxes: a list of the runs with them, and the button that goes on. */
function chooseHere(anchor) {
  const chosen = new Set();
  const go = button(compareText(0), () => navigate(pathOfRuns([...chosen])), { primary: true });
  const draw = () => {
    setText(go.querySelector("span"), compareText(chosen.size));
    refuse(go, chosen.size > 1 ? "" : "Choose two runs or more.");
  };
  draw();
  const choose = (run, _, on) => {
    if (on) chosen.add(run);
    else chosen.delete(run);
    draw();
  };
  chooseRuns(anchor, { run: "", name: "", chosen, choose, title: "Compare runs", below: h("div", { class: "bv-row" }, go) });
}

/** The grid's own handle; `undefined` before there is one, as for who leaves the page at once. */
function gridApi(table) {
  try {
    return window.dash_ag_grid?.getApi(table);
  } catch {
    return undefined;
  }
}

function emptyState() {
  const done = h("span", { class: "bv-muted", role: "status" });
  const copy = button(
    "Copy",
    async () => {
      await copyText(LINES.join("\n"));
      setText(done, "copied");
    },
    { icon: "copy" },
  );
  return h(
    "section",
    { class: "bv-no-runs" },
    h("h2", { text: "No runs yet" }),
    h("p", { text: "Put this line into a training script, after the model and the optimizer are made, and start it:" }),
    h("pre", { class: "bv-code" }, h("span", { class: "bv-muted", text: `${LINES[0]}\n` }), LINES[1]),
    h("div", { class: "bv-row" }, copy, done),
    h("p", { class: "bv-muted", text: "The run appears here by itself. To see one at once: bidviz demo" }),
  );
}
