import assert from "node:assert/strict";
import test from "node:test";

import { inTheWay, ofNoUse } from "./in-the-way.js";

const SAID = "x 0.1.0 brings a metric 'norm' … Remove it (session.metrics.remove('norm'), or Remove in its editor)";

test("only what was written for the run and is named by the refusal is in the way", () => {
  const metrics = [
    { name: "norm", origin: "person" },
    { name: "size", origin: "person" },
  ];
  assert.deepEqual(inTheWay(`${SAID} ${SAID}`, metrics), ["norm"]);
  assert.deepEqual(inTheWay(SAID, [{ name: "norm", origin: "bidviz-metric-x 0.1.0" }]), []);
  assert.deepEqual(inTheWay("It is down.", metrics), []);
  assert.deepEqual(inTheWay(undefined, metrics), []);
});

test("a bundle that has nothing for the run is not to be loaded, and why; what only stands aside for something is", () => {
  const error = "bidviz-metric-clustering 0.1.0 has no metric for this run: it has no clusters.";
  assert.equal(ofNoUse({ state: "offered", error }, []), error);
  assert.equal(ofNoUse({ state: "offered", error: "" }, []), "");
  assert.equal(ofNoUse({ state: "loaded", error: `Left out: ${error}` }, []), "");
  const own = `${error} session.metrics.remove('norm') makes way.`;
  assert.equal(ofNoUse({ state: "offered", error: own }, [{ name: "norm", origin: "person" }]), "");
});
