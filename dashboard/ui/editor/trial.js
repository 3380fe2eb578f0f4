// What a trial run of a metric gave: value, shape, cost, and a drawing of it; or the error.
import { fill, h } from "../dom.js";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatExact,
  formatNumber,
  formatPercent,
  fromWire,
  spacedNumbers,
} from "../numbers.js";
import { createPreview } from "../charts/index.js";
import { readTheme } from "../theme.js";

const LISTED = 12;
const SHOWN = 200;

/** The place below the code where the result of *Try* stands. */
export class Trial {
  element = h("section", {
    class: "bv-trial",
    "aria-label": "Result of the trial",
    "aria-live": "polite",
    hidden: true,
  });
  #preview = null;

  /**
   * @param {object} data - the reply to `tryMetric`: kind, shape, value, series, cost, share, memory, printed, changes, note.
   * @param {{every: number, spec: object|null}} asked
   */
  showResult(data, { every, spec }) {
    this.#begin(data.changes?.length ? "warn" : "good");
    const drawing = h("div", { class: "bv-preview" });
    fill(
      this.element,
      valueView(data),
      h(
        "p",
        { class: "bv-trial-cost" },
        `${formatDuration(data.cost)} a run, ${formatPercent((data.share ?? 0) / every)} of a step`,
        every > 1 ? ` when run every ${formatCount(every)}` : "",
        data.memory ? ` · ${formatBytes(data.memory)} at most` : "",
        data.step === undefined ? "" : ` · at step ${formatCount(data.step)}`,
      ),
      data.note && h("p", { class: data.changes?.length ? "bv-tone-warn" : "bv-muted", text: spacedNumbers(data.note) }),
      data.printed &&
        h("details", { class: "bv-fold" }, h("summary", { text: "What it printed" }), h("pre", { text: data.printed })),
      drawing,
    );
    this.#draw(drawing, data, spec);
  }

  /** @param {import("../socket/connection.js").RequestError} error */
  showError(error) {
    this.#begin("bad");
    fill(
      this.element,
      h(
        "p",
        { class: "bv-trial-error" },
        error.line ? h("strong", { text: `Line ${error.line}: ` }) : null,
        spacedNumbers(error.message.replace(` (line ${error.line})`, "")), // most messages name it themselves, at their end
      ),
      error.traceback &&
        h("details", { class: "bv-fold" }, h("summary", { text: "Traceback" }), h("pre", { text: error.traceback })),
    );
  }

  clear() {
    this.#preview?.destroy();
    this.#preview = null;
    this.element.hidden = true;
    fill(this.element);
  }

  #begin(tone) {
    this.clear();
    this.element.hidden = false;
    this.element.dataset.tone = tone;
  }

  #draw(place, data, spec) {
    const record = recordOf(data);
    if (!record) {
      place.remove();
      return;
    }
    try {
      this.#preview = createPreview(place, { spec, record, theme: readTheme() });
    } catch (error) {
      fill(place, h("p", { class: "bv-muted", text: `No drawing: ${error.message}` }));
    }
  }
}

function valueView({ kind, shape, value, series }) {
  if (kind === "none") return null; // the note says so
  if (kind === "scalar") return numberTable([[series?.[0] ?? "value", value]]);
  if (kind === "scalars") return numberTable(Object.entries(value.values));
  const about = kind === "text" ? value?.text?.slice(0, SHOWN) : [...(shape ?? [])].join(" × ");
  return h(
    "p",
    null,
    h("strong", { text: kind }),
    " ",
    h("span", { class: "bv-muted bv-trial-about", text: about ?? "" }),
    " ",
    h("span", { class: "bv-number", text: rangeOf(value) }),
  );
}

function numberTable(entries) {
  const more = entries.length - LISTED;
  return h(
    "table",
    { class: "bv-trial-values" },
    h(
      "tbody",
      null,
      entries
        .slice(0, LISTED)
        .map(([name, value]) =>
          h(
            "tr",
            null,
            h("th", { scope: "row", text: name, title: name }),
            h("td", { class: "bv-number", text: formatNumber(fromWire(value)), title: formatExact(fromWire(value)) }),
          ),
        ),
      more > 0 && h("tr", null, h("td", { colspan: "2", class: "bv-muted", text: `and ${formatCount(more)} more` })),
    ),
  );
}

/** Least and largest of an array's numbers, and how many are none. */
function rangeOf(value) {
  const numbers = (value?.buffers?.[0]?.data ?? []).map(fromWire);
  if (!numbers.length) return "";
  const finite = numbers.filter(Number.isFinite);
  const bad = numbers.length - finite.length;
  const least = finite.reduce((one, other) => Math.min(one, other), Infinity);
  const most = finite.reduce((one, other) => Math.max(one, other), -Infinity);
  const range = finite.length ? `from ${formatNumber(least)} to ${formatNumber(most)}` : "no finite number";
  return bad ? `${range}; ${formatCount(bad)} not finite` : range;
}

/** The tried value in the form in which charts take it; null where there is nothing to draw. */
function recordOf({ kind, value, series, step }) {
  if (value === null || value === undefined) return null;
  const name = series?.[0] ?? "value";
  if (kind === "scalar") return null; // one number is read, not drawn
  if (kind === "scalars")
    return { kind, step, names: Object.keys(value.values), values: Object.values(value.values).map(fromWire) };
  const { buffers = [], ...header } = value;
  const flat = buffers.map(({ dtype, shape, data }) => ({ dtype, shape, data: Float64Array.from(data, fromWire) }));
  return { kind, step, name, header, buffers: flat };
}
