import assert from "node:assert/strict";
import { test } from "node:test";
import { bundleName, filesOf, findingsOf, fromBase64, nameFor, whyNot } from "./share-text.js";

test("a package's name says what it is, and is one that package indexes take", () => {
  assert.equal(bundleName("Dead units / layer"), "bidviz-metric-dead-units-layer");
  assert.equal(bundleName("lr", true), "bidviz-policy-lr");
  assert.equal(bundleName("bidviz-metric-x"), "bidviz-metric-x");
  assert.equal(bundleName("…"), "");
  assert.equal(nameFor({ metrics: ["Grad Norm"] }), "grad-norm");
  assert.equal(nameFor({ page: { title: "My page" } }), "my-page");
});

test("what is missing is said before anything is written", () => {
  assert.match(whyNot({ name: "", author: "A", license: "MIT" }), /name/);
  assert.match(whyNot({ name: "x", author: "", license: "MIT" }), /author/);
  assert.match(whyNot({ name: "x", author: "A", license: "" }), /licence/);
  assert.equal(whyNot({ name: "x", author: "A", license: "MIT" }), "");
});

test("files are told below their folder, and findings with the way to mend them", () => {
  assert.deepEqual(filesOf({ folder: "/a/b", files: ["/a/b/c.py", "d.py"] }), ["c.py", "d.py"]);
  assert.deepEqual(findingsOf(["It is so."]), [{ level: "bad", text: "It is so.", help: "" }]);
  assert.deepEqual(findingsOf([{ level: "note", about: "grad", what: "no help", mend: "write one" }]), [
    { level: "note", text: "grad: no help", help: "write one" },
  ]);
  assert.deepEqual(findingsOf(undefined), []);
  assert.deepEqual([...fromBase64("AQID")], [1, 2, 3]);
});
