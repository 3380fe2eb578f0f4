// Where the names of a graph of dependencies stand: layers from left to right, what is read left of what reads it.

const HIGH = 24;
const GAP = { x: 44, y: 10 };
const LETTER = 6.9; // the width of a letter of the monospace font at 11 px
const PAD = 9;

/**
 * @param {{target: string, inputs: string[]}[]} rules - who reads whom.
 * @returns {{nodes: {name: string, x: number, y: number, width: number, height: number, layer: number}[],
 *   edges: {from: string, to: string, path: string}[], width: number, height: number}}
 */
export function layoutGraph(rules) {
  const edges = rules.flatMap(({ target, inputs }) => inputs.map((from) => ({ from, to: target })));
  const names = [...new Set(rules.flatMap(({ target, inputs }) => [...inputs, target]))];
  const layers = layersOf(names, edges);
  const columns = ordered(names, layers, edges);
  const nodes = new Map();
  let x = 1;
  let height = 0;
  for (const [layer, column] of columns.entries()) {
    const width = Math.max(...column.map((name) => Math.ceil(name.length * LETTER) + 2 * PAD));
    column.forEach((name, row) =>
      nodes.set(name, { name, layer, x, y: 1 + row * (HIGH + GAP.y), width, height: HIGH }),
    );
    height = Math.max(height, column.length * (HIGH + GAP.y) - GAP.y + 2);
    x += width + GAP.x;
  }
  centre(columns, nodes, height);
  const drawn = edges.map(({ from, to }) => ({ from, to, path: curve(nodes.get(from), nodes.get(to)) }));
  return { nodes: [...nodes.values()], edges: drawn, width: Math.max(0, x - GAP.x + 1), height };
}

/** One more than the furthest input's; a name that is met on its own way (there should be none) ends it. */
function layersOf(names, edges) {
  const inputs = new Map(names.map((name) => [name, []]));
  for (const { from, to } of edges) if (from !== to) inputs.get(to).push(from);
  const layers = new Map();
  const visit = (name, way) => {
    if (layers.has(name)) return layers.get(name);
    const before = inputs.get(name).filter((one) => !way.has(one));
    const layer = before.length ? 1 + Math.max(...before.map((one) => visit(one, new Set([...way, name])))) : 0;
    layers.set(name, layer);
    return layer;
  };
  for (const name of names) visit(name, new Set([name]));
  return layers;
}

/** The names of each layer, each near the middle of what it reads, so that few lines cross. */
function ordered(names, layers, edges) {
  const columns = [];
  for (const name of names) (columns[layers.get(name)] ??= []).push(name);
  const rows = new Map();
  return columns.map((column) => {
    const middle = (name) => {
      const places = edges.filter(({ to, from }) => to === name && rows.has(from)).map(({ from }) => rows.get(from));
      return places.length ? places.reduce((sum, row) => sum + row, 0) / places.length : Infinity;
    };
    const sorted = [...column].sort((one, other) => compare(middle(one), middle(other)));
    sorted.forEach((name, row) => rows.set(name, row));
    return sorted;
  });
}

function compare(one, other) {
  return one === other ? 0 : one - other; // ∞ − ∞ is no order
}

function centre(columns, nodes, height) {
  for (const column of columns) {
    const used = column.length * (HIGH + GAP.y) - GAP.y + 2;
    for (const name of column) nodes.get(name).y += (height - used) / 2;
  }
}

function curve(from, to) {
  const [x1, y1] = [from.x + from.width, from.y + from.height / 2];
  const [x2, y2] = [to.x, to.y + to.height / 2];
  const bend = Math.max(GAP.x / 2, (x2 - x1) / 2);
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}
