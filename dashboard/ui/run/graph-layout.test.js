import assert from "node:assert/strict";
import { test } from "node:test";
import { layoutGraph } from "./graph-layout.js";

const placed = (rules) => {
  const graph = layoutGraph(rules);
  return { ...graph, at: new Map(graph.nodes.map((node) => [node.name, node])) };
};

test("what is read stands left of what reads it", () => {
  const { at, edges } = placed([
    { target: "momentum", inputs: ["weight_decay", "loss"] },
    { target: "weight_decay", inputs: ["lr"] },
  ]);
  assert.deepEqual(
    ["lr", "loss", "weight_decay", "momentum"].map((name) => at.get(name).layer),
    [0, 0, 1, 2],
  );
  for (const { from, to } of edges) assert.ok(at.get(from).x + at.get(from).width < at.get(to).x, `${from} → ${to}`);
});

test("no two names overlap, and all lie inside the drawing", () => {
  const rules = Array.from({ length: 6 }, (_, i) => ({ target: `target${i}`, inputs: ["lr", `series/${i}`, `other${i % 2}`] }));
  const { nodes, width, height } = placed(rules);
  for (const [i, one] of nodes.entries()) {
    assert.ok(one.x >= 0 && one.y >= 0 && one.x + one.width <= width && one.y + one.height <= height, one.name);
    for (const other of nodes.slice(i + 1)) {
      const apart =
        one.x + one.width <= other.x ||
        other.x + other.width <= one.x ||
        one.y + one.height <= other.y ||
        other.y + other.height <= one.y;
      assert.ok(apart, `${one.name} and ${other.name}`);
    }
  }
});

test("a cycle, which no run has, ends all the same", () => {
  const { nodes, edges } = placed([
    { target: "a", inputs: ["b"] },
    { target: "b", inputs: ["a", "b"] },
  ]);
  assert.equal(nodes.length, 2);
  assert.equal(edges.length, 3);
});

test("nothing is drawn of nothing", () => {
  assert.deepEqual(layoutGraph([]), { nodes: [], edges: [], width: 0, height: 0 });
});
