// Saving the set of metrics and taking it into another run: in the run's folder, or as a file of the person's own.
import { download, h } from "../dom.js";
import { formatAge, formatCount } from "../numbers.js";
import { openMenu } from "../shell/menu.js";

const FILE = "metrics.json";
const LIVE_FILE = "live-metrics.json";
const SETS = 12; // in the menu of what other runs have saved: the newest

/**
 * Opens the menu of saving and loading.
 *
 * @param {import("./model.js").RunModel} model
 * @param {HTMLElement} anchor
 * @param {import("../shell/notices.js").Notices} notices
 */
export function openFiles(model, anchor, notices) {
  const refused = model.refusal("code");
  const name = h("input", {
    type: "text",
    value: FILE,
    "aria-label": "File's name in the run's folder",
    spellcheck: "false",
  });
  const named = (method, said) => async () => {
    const file = name.value.trim() || FILE;
    await told(
      notices,
      () => model.request(method, file),
      (reply) => said(file, reply),
    );
  };
  openMenu(
    anchor,
    [
      "In the run's folder",
      h("div", { class: "bv-menu-field" }, name),
      {
        label: "Save all metrics",
        action: named("saveMetrics", (file) => `All metrics are saved as ${file} in the run's folder.`),
        reason: refused,
      },
      {
        label: "Load metrics",
        action: named("loadMetrics", (file, { data }) => loadedText(data, file)),
        reason: refused,
      },
      { label: "Load what another run saved…", action: () => openOthers(model, anchor, notices), reason: refused },
      null,
      "On this computer",
      { label: "Download all metrics", action: () => saveHere(model, notices), reason: model.refusal("view") },
      { label: "Load from a file…", action: () => loadHere(model, notices), reason: refused },
    ],
    "Save and load metrics",
  );
}

/** The menu of the sets of metrics that other runs have saved. */
async function openOthers(model, anchor, notices) {
  let saved;
  try {
    saved = (await model.request("listSavedMetrics")).data;
  } catch (error) {
    notices.add(error.message, { tone: "bad" });
    return;
  }
  const others = saved.filter(({ of }) => of !== model.run).sort((one, other) => Number(isLive(one)) - Number(isLive(other)));
  if (!others.length) {
    notices.add("No other run that this dashboard knows has saved its metrics: “Save all metrics” there puts them into its folder.", { seconds: 12 });
    return;
  }
  const items = others.slice(0, SETS).map((one) => ({
    label: savedText(one),
    action: () =>
      told(
        notices,
        () => model.request("loadMetrics", { file: one.file, of: one.of }),
        ({ data }) => loadedText(data, sourceOf(one)),
      ),
    reason: one.metrics.length ? "" : "There are no metrics with code in it.",
  }));
  const more = others.length - items.length;
  openMenu(anchor, ["Saved by other runs", ...items, more > 0 ? `and ${formatCount(more)} older` : null].filter(Boolean), "Saved by other runs");
}

/** "metrics.json of blobs (a1b2c3d4) · 3 metrics · 2 h" */
export function savedText(one, now = Date.now() / 1000) {
  const { of, metrics, time } = one;
  const count = `${formatCount(metrics.length)} ${metrics.length === 1 ? "metric" : "metrics"}`;
  return [`${sourceOf(one)} (${of})`, count, formatAge(time, now)].join(" · ");
}

function sourceOf(one) {
  return isLive(one) ? `what was added live to ${one.name}` : `${one.file} of ${one.name}`;
}

/** Whether a run has kept it by itself: the metrics that were added to it while it trained. */
function isLive({ file }) {
  return file === LIVE_FILE;
}

async function told(notices, work, said) {
  try {
    notices.add(said(await work()), { tone: "good", seconds: 8 });
  } catch (error) {
    notices.add(error.message, { tone: "bad" });
  }
}

/** What a request to load metrics did. */
export function loadedText(data, from) {
  let form = {};
  try {
    form = typeof data === "string" ? JSON.parse(data) : data;
  } catch {
    // A program's own answer in words: it is shown as it is.
    return String(data);
  }
  const refused = Object.entries(form?.refused ?? {}).map(([name, why]) => `${name} was left out: ${why}`);
  if (!form?.loaded) return [`Metrics are loaded from ${from}.`, ...refused].join(" ");
  const loaded = form.loaded.length ? `Loaded ${form.loaded.join(", ")} from ${from}.` : `Nothing was loaded from ${from}.`;
  const same = form.loaded.length || refused.length ? "" : "All its metrics are here already.";
  return [loaded, same, ...refused].filter(Boolean).join(" ");
}

async function saveHere(model, notices) {
  await told(
    notices,
    async () => {
      const { data } = await model.request("getCode");
      const stats = typeof data === "string" ? JSON.parse(data) : data;
      download(
        `${model.catalogue?.run.name ?? "run"}-metrics.json`,
        new Blob([JSON.stringify({ stats }, null, 2)], { type: "application/json" }),
      );
      return Object.keys(stats).length;
    },
    (count) => `${count} metrics are in the downloaded file.`,
  );
}

function loadHere(model, notices) {
  const input = h("input", { type: "file", accept: ".json,application/json" });
  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (!file) return;
    await told(
      notices,
      async () => addAll(model, readStats(await file.text(), file.name)),
      ({ added, refused }) =>
        [added.length ? `Added ${added.join(", ")}.` : "Nothing was added.", ...refused].join(" "),
    );
  });
  input.click();
}

/** Reads what `saveHere` or `saveMetrics` wrote. Throws a sentence. */
export function readStats(text, name) {
  let form;
  try {
    form = JSON.parse(text);
  } catch {
    throw new Error(`${name} is no JSON: expected a file that “Download all metrics” or “Save all metrics” wrote.`);
  }
  const stats = form?.stats;
  if (!stats || typeof stats !== "object")
    throw new Error(
      `${name} has no metrics in it: expected a file that “Download all metrics” or “Save all metrics” wrote.`,
    );
  return Object.entries(stats).map(([key, one]) => ({ ...(one.ui ?? {}), ...one, name: one.name ?? key }));
}

async function addAll(model, stats) {
  const added = [];
  const refused = [];
  for (const { name, code, every = 1, charts = [], chart = null, where = "training" } of stats) {
    if (!code || model.metric(name)) {
      if (model.metric(name)?.code !== code) refused.push(`${name} is left out: there is a metric of that name.`);
      continue;
    }
    try {
      await model.request("addMetric", { name, code, every, chart: charts[0] ?? chart, where });
      added.push(name);
    } catch (error) {
      if (error.lost) throw error;
      refused.push(`${name}: ${error.message}`);
    }
  }
  return { added, refused };
}
