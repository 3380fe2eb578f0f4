// Saving the set of metrics and taking it into another run: in the run's folder, or as a file of the person's own.
import { download, h } from "../dom.js";
import { openMenu } from "../shell/menu.js";

const FILE = "metrics.json";

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
        action: named("loadMetrics", (file, { data }) => `${loadedText(data)} from ${file}.`),
        reason: refused,
      },
      null,
      "On this computer",
      { label: "Download all metrics", action: () => saveHere(model, notices), reason: model.refusal("view") },
      { label: "Load from a file…", action: () => loadHere(model, notices), reason: refused },
    ],
    "Save and load metrics",
  );
}

async function told(notices, work, said) {
  try {
    notices.add(said(await work()), { tone: "good", seconds: 8 });
  } catch (error) {
    notices.add(error.message, { tone: "bad" });
  }
}

function loadedText(data) {
  let form = {};
  try {
    form = typeof data === "string" ? JSON.parse(data) : data;
  } catch {
    // A program's own answer in words: it is shown as it is.
    return String(data);
  }
  const refused = Object.keys(form?.refused ?? {});
  return `Metrics are loaded${refused.length ? `, all but ${refused.join(", ")}` : ""}`;
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
