/** What a person takes away: the records as text, the chart as a picture. */

const ROWS = 1_000_000; // beyond it, a browser's memory: what is shown is exported instead

/**
 * The whole history of series at full resolution, one row a step: `step,time,name,…`.
 *
 * @param {object} store the run's series.
 * @param {string[]} names which.
 * @returns {Promise<string>} above a million rows, the buckets that are shown, with a first line that says so.
 */
export async function exportCSV(store, names) {
  const scalars = names.filter((name) => store.kind(name) === "scalar");
  if (!scalars.length) return arraysAsCSV(store, names);
  const total = scalars.reduce((sum, name) => sum + recordsOf(store.scalars.get(name)), 0);
  if (total > ROWS) return shownAsCSV(store, scalars, total);
  const frames = await store.requestHistory({ series: scalars, start: null, stop: null, points: null });
  const rows = new Map();
  for (const { header, buffers } of frames) {
    const [step, value, , , , time] = buffers.map((buffer) => buffer.data);
    const column = scalars.indexOf(header.series);
    // Several records of one step get a row each.
    const seen = new Map();
    for (let i = 0; i < step.length; i++) {
      const nth = (seen.get(step[i]) ?? -1) + 1;
      seen.set(step[i], nth);
      put(rows, step[i], time[i], nth, column, value[i]);
    }
  }
  for (const [column, name] of scalars.entries()) appendLive(rows, store.scalars.get(name), frames, column);
  const sorted = [...rows.values()].sort((a, b) => a.step - b.step || a.nth - b.nth);
  const lines = sorted.map(({ step, time, values }) => [step, time, ...scalars.map((_, at) => number(values[at]))].join(","));
  return [["step", "time", ...scalars.map(quote)].join(","), ...lines, ""].join("\n");
}

function put(rows, step, time, nth, column, value) {
  const key = `${step} ${nth}`;
  if (!rows.has(key)) rows.set(key, { step, time, nth, values: [] });
  rows.get(key).values[column] = value;
}

/** What came after the file's last commit. */
function appendLive(rows, series, frames, column) {
  const sequence = frames.find(({ header }) => header.series === series?.name)?.header.sequence ?? 0;
  const seen = new Map();
  for (let i = 0; i < (series?.recent.length ?? 0); i++) {
    const { step, time, value, last } = series.recent;
    if (last[i] <= sequence) continue;
    const nth = (seen.get(step[i]) ?? -1) + 1;
    seen.set(step[i], nth);
    put(rows, step[i], time[i], nth, column, value[i]);
  }
}

function recordsOf(series) {
  if (!series) return 0;
  return series.parts(-Infinity, Infinity).reduce((sum, { columns, from, to }) => {
    for (let i = from; i < to; i++) sum += columns.count[i];
    return sum;
  }, 0);
}

function shownAsCSV(store, names, total) {
  const lines = [`# ${Math.round(total)} records are too many for one file: each row stands for several (mean, least, largest, NaN among them)`];
  lines.push("series,step,time,mean,low,high,nan_count");
  for (const name of names) {
    for (const { columns, from, to } of store.scalars.get(name)?.parts(-Infinity, Infinity) ?? []) {
      for (let i = from; i < to; i++) {
        const { step, time, value, low, high, nan } = columns;
        lines.push([quote(name), step[i], time[i], number(value[i]), number(low[i]), number(high[i]), nan[i]].join(","));
      }
    }
  }
  return [...lines, ""].join("\n");
}

function arraysAsCSV(store, names) {
  const lines = [];
  for (const name of names) {
    const record = store.arrays.get(name)?.latest;
    if (!record) continue;
    lines.push(`# ${name}, step ${record.step}`, ...rowsOf(record.value));
  }
  return [...lines, ""].join("\n");
}

/** A value as lines of comma-separated cells, a header first where it has names. */
export function rowsOf(value) {
  const cells = (list) => [...list].map((cell) => (typeof cell === "number" ? number(cell) : quote(String(cell ?? "")))).join(",");
  if (value.kind === "histogram") return ["left,right,count", ...[...value.counts].map((count, i) => cells([value.edges[i], value.edges[i + 1], count]))];
  if (value.kind === "table") return [cells(value.columns), ...value.rows.map(cells)];
  if (value.kind === "text") return [quote(value.text)];
  const width = value.shape.length > 1 ? value.shape[value.shape.length - 1] : 1;
  const rows = [];
  for (let at = 0; at < value.data.length; at += width) rows.push(cells(value.data.subarray(at, at + width)));
  return rows;
}

function number(value) {
  if (value === undefined) return "";
  return Number.isNaN(value) ? "NaN" : value === Infinity ? "Infinity" : value === -Infinity ? "-Infinity" : String(value);
}

function quote(text) {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * The chart as it stands, with its title above it.
 *
 * @returns {Promise<Blob>} a PNG.
 * @throws {Error} the chart is made of text, or has not been drawn yet.
 */
export async function pictureOf(panel, renderer) {
  const drawn = (await renderer?.png?.()) ?? renderer?.canvas?.();
  if (!drawn) throw new Error("This chart is no picture: download its values as CSV instead.");
  const ratio = devicePixelRatio;
  const head = 28 * ratio;
  const canvas = document.createElement("canvas");
  canvas.width = drawn.width;
  canvas.height = drawn.height + head;
  const context = canvas.getContext("2d");
  context.fillStyle = panel.theme.surface;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = panel.theme.text;
  context.font = `${14 * ratio}px ${panel.theme.font}`;
  context.textBaseline = "middle";
  context.fillText(panel.title || panel.names.join(", "), 10 * ratio, head / 2);
  context.drawImage(drawn, 0, head);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The browser could not make a picture of this chart."))));
  });
}

/** The bytes of a data URL: the pages' Content-Security-Policy lets nothing be fetched from one. */
export function blobOf(url) {
  const [head, data] = url.split(",", 2);
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  return new Blob([bytes], { type: head.slice(5).split(";")[0] });
}
