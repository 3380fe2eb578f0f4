// What a trial run of a metric gave: value, shape, cost, and a drawing of it; or the error.
import { fill, h } from "../dom.js";
import { formatBytes, formatCount, formatDuration, formatExact, formatNumber, formatPercent, fromWire } from "../numbers.js";
import { createPreview } from "../charts/index.js";
import { readTheme } from "../theme.js";

const LISTED = 12;

/** The place below the code where the result of *Try* stands. */
export class Trial {
  element = h("section", { class: "bv-trial", "aria-label": "Result of the trial", "aria-live": "polite", hidden: true });
  #preview = null;

  /**
   * @param {object} data - the reply to `tryMetric`.
   * @param {number|null} step
   * @param {{every: number, spec: object|null}} asked
   */
  showResult(data, step, { every, spec }) {
    this.#begin("good");
    const values = data?.values ?? [];
    const cost = h(
      "p",
      { class: "bv-trial-cost" },
      `${formatDuration(data.seconds)} a run, ${formatPercent((data.share ?? 0) / every)} of a step`,
      every > 1 ? ` when run every ${formatCount(every)}` : "",
      data.memory ? ` · ${formatBytes(data.memory)} at most` : "",
      step !== null ? ` · at step ${formatCount(step)}` : "",
    );
    const drawing = h("div", { class: "bv-preview" });
    fill(this.element, values.length ? valueTable(values) : h("p", { text: "It ran, and gave nothing this time (None)." }), cost, data.changes?.length && changesText(data.changes), data.printed && printed(data.printed), drawing);
    this.#draw(drawing, values, spec);
  }

  /** @param {import("../socket/connection.js").RequestError} error */
  showError(error) {
    this.#begin("bad");
    fill(
      this.element,
      h("p", { class: "bv-trial-error" }, error.line ? h("strong", { text: `Line ${error.line}: ` }) : null, error.message),
      error.traceback && h("details", { class: "bv-fold" }, h("summary", { text: "Traceback" }), h("pre", { text: error.traceback })),
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

  #draw(place, values, spec) {
    const record = recordOf(values);
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

function valueTable(values) {
  const more = values.length - LISTED;
  return h(
    "table",
    { class: "bv-trial-values" },
    h(
      "tbody",
      null,
      values.slice(0, LISTED).map(({ name, kind, shape, text, value }) => {
        const number = fromWire(value);
        const shown = kind === "scalar" && typeof number === "number" ? formatNumber(number) : text;
        return h(
          "tr",
          null,
          h("th", { scope: "row", text: name }),
          h("td", { class: "bv-number", text: shown, title: typeof number === "number" ? formatExact(number) : text }),
          h("td", { class: "bv-muted", text: kind === "scalar" ? "number" : `${kind} ${(shape ?? []).join(" × ")}` }),
        );
      }),
      more > 0 && h("tr", null, h("td", { colspan: "3", class: "bv-muted", text: `and ${more} more` })),
    ),
  );
}

function changesText(changes) {
  const list = Array.isArray(changes) ? changes.join(", ") : String(changes);
  return h("p", { class: "bv-tone-warn", text: `It changed the training (${list}); that was put back.` });
}

function printed(text) {
  return h("details", { class: "bv-fold" }, h("summary", { text: "What it printed" }), h("pre", { text }));
}

/** The tried value in the form in which charts take it; null where there is nothing to draw. */
function recordOf(values) {
  const array = values.find((value) => value.kind !== "scalar");
  if (!array) {
    const scalars = values.filter((value) => typeof fromWire(value.value) === "number");
    if (!scalars.length) return null;
    if (scalars.length === 1) return { kind: "scalar", name: scalars[0].name, value: fromWire(scalars[0].value) };
    return { kind: "scalars", names: scalars.map((value) => value.name), values: scalars.map((value) => fromWire(value.value)) };
  }
  const buffers = (array.buffers ?? []).map(({ shape, data }) => ({ dtype: "<f8", shape, data: Float64Array.from(data, (one) => (one === null ? NaN : fromWire(one))) }));
  const whole = buffers.every(({ shape, data }) => data.length === shape.reduce((product, size) => product * size, 1));
  if (!whole) return null; // a large value is sent in part, to be read and not to be drawn
  return { kind: array.kind, name: array.name, header: array.header, buffers };
}
