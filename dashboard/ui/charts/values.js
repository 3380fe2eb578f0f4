/** What an array record holds: one plain object for each kind of value, the same for every renderer. */

/**
 * @param {object} header `{"kind": "array" | "histogram" | "matrix" | "image" | "table" | "text", …}`.
 * @param {{shape: number[], data: ArrayLike<number>, dtype: string}[]} buffers the value's arrays.
 * @returns {object} `{kind, …}` with `shape` and `data` for arrays, matrices and images, `counts` and `edges` for
 *   histograms (with `nan`, `below`, `above`: how many values are in no bin), `columns` and `rows` for tables, `text` for texts.
 * @throws {Error} the kind is not known.
 */
export function readValue(header, buffers) {
  const [first, second] = buffers;
  switch (header.kind) {
    case "array":
      return { kind: "array", shape: first.shape, data: first.data };
    case "matrix":
      return { kind: "matrix", shape: first.shape, data: first.data, rows: header.rows ?? [], columns: header.columns ?? [] };
    case "histogram":
      return { kind: "histogram", counts: first.data, edges: second.data, nan: header.nan ?? 0, below: header.below ?? 0, above: header.above ?? 0 };
    case "image":
      return { kind: "image", shape: first.shape, data: first.data, dtype: first.dtype, labels: header.labels ?? [] };
    case "table":
      return { kind: "table", columns: header.columns, rows: withOdd(header.rows, header.odd ?? []) };
    case "text":
      return { kind: "text", text: header.text };
    default:
      throw new Error(`A value of kind "${header.kind}" is not known here: the dashboard is older than the training's BIDViz.`);
  }
}

/** Rows with the numbers that JSON cannot carry in their places. */
function withOdd(rows, odd) {
  for (const [row, column, word] of odd) rows[row][column] = Number(word);
  return rows;
}

/** What to say of a value that holds nothing, or an empty text where it holds something. */
export function emptinessOf(value) {
  if (value.shape?.includes(0)) return `The latest value is empty (${value.shape.join(" × ")}).`;
  if (value.kind === "histogram" && !value.counts.length) return "The latest histogram has no bins.";
  if (value.kind === "text" && !value.text) return "The latest text is empty.";
  return value.kind === "table" && !value.columns.length ? "The latest table has no columns." : "";
}

/** Bytes a value takes, about: what the memory of kept values is counted by. */
export function sizeOf(value) {
  if (value.data) return value.data.byteLength;
  if (value.counts) return value.counts.byteLength + value.edges.byteLength;
  if (value.text !== undefined) return 2 * value.text.length;
  return 64 * (1 + (value.rows?.length ?? 0)) * (1 + (value.columns?.length ?? 0));
}
