// Choosing runs to compare with: the dashboard's other runs, those of one family first.
import { fill, h } from "../dom.js";
import { formatAge } from "../numbers.js";
import { Connection } from "../socket/connection.js";
import { openPopover } from "../shell/popover.js";
import { Words } from "../shell/buttons.js";
import { shortId } from "./labels.js";
import { STATES } from "./states.js";

const SHOWN = 200;

/**
 * Opens the list at a button.
 *
 * @param {HTMLElement} anchor
 * @param {{run: string, name: string, chosen: Set<string>, choose: (run: string, name: string, on: boolean) => void, title?: string,
 *   below?: ?HTMLElement}} options - `below`: what stands under the list.
 */
export function chooseRuns(anchor, { run, name, chosen, choose, title = "Compare with", below = null }) {
  const words = new Words();
  const list = h("div", { class: "bv-checks", role: "group", "aria-label": "Runs" });
  let runs = [];
  const filter = h("input", {
    type: "search",
    placeholder: "filter by name",
    "aria-label": "Filter runs",
    oninput: () => draw(),
  });
  const draw = () => {
    const wanted = filter.value.trim().toLowerCase();
    const rows = orderOf(runs, run, name).filter(({ run: one }) => `${one.name} ${one.id}`.toLowerCase().includes(wanted));
    fill(
      list,
      rows.length
        ? rows.slice(0, SHOWN).map((row) => check(row, chosen, choose))
        : h("p", { class: "bv-muted", text: wanted ? "Nothing fits." : "The dashboard knows no other run." }),
    );
  };
  const card = openPopover(anchor, title, filter, list, below, words.element);
  if (!card) return;
  const connection = new Connection("");
  connection.on("runs", (all) => {
    runs = all;
    if (!list.contains(document.activeElement)) draw();
  });
  connection.on("open", () => connection.request("subscribeRuns").catch((error) => words.say(error.message, "bad")));
  // The card is gone when it is no longer in the page: then nobody listens.
  new MutationObserver((_, observer) => {
    if (card.element.isConnected) return;
    observer.disconnect();
    connection.close();
  }).observe(card.element.parentNode, { childList: true });
}

/** The other runs: those whose names have the same beginning first, then the newest. */
export function orderOf(runs, run, name) {
  const root = name.split("-")[0];
  const kin = (one) => (one.name.startsWith(root) ? 0 : 1);
  return runs
    .filter((one) => one.run.id !== run)
    .sort((one, other) => kin(one.run) - kin(other.run) || other.run.started - one.run.started);
}

function check({ run, status }, chosen, choose) {
  const box = h("input", { type: "checkbox", onchange: () => choose(run.id, run.name, box.checked) });
  box.checked = chosen.has(run.id);
  const state = STATES[status.state] ?? STATES.unknown;
  return h(
    "label",
    { class: "bv-check" },
    box,
    h("span", { text: run.name }),
    h("span", { class: "bv-muted", text: `${state.word} · ${formatAge(run.started)} · ${shortId(run.id)}` }),
  );
}
