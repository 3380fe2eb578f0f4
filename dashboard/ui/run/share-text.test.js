import assert from "node:assert/strict";
import { test } from "node:test";
import { bundleName, filesOf, findingsOf, folderInTheWay, fromBase64, lacking, lastFailed, lastShared, nameFor, writtenText } from "./share-text.js";

test("a package's name says what it is, and is one that package indexes take", () => {
  assert.equal(bundleName("Dead units / layer"), "bidviz-metric-dead-units-layer");
  assert.equal(bundleName("lr", true), "bidviz-policy-lr");
  assert.equal(bundleName("bidviz-metric-x"), "bidviz-metric-x");
  assert.equal(bundleName("…"), "");
  assert.equal(nameFor({ metrics: ["Grad Norm"] }), "grad-norm");
  assert.equal(nameFor({ page: { title: "My page" } }), "my-page");
});

test("what is missing is said before anything is written", () => {
  assert.equal(lacking({ name: "", author: "A", license: "MIT" }).field, "name");
  assert.equal(lacking({ name: "…", author: "", license: "MIT" }).field, "name");
  assert.equal(lacking({ name: "x", author: "", license: "MIT" }).field, "author");
  assert.match(lacking({ name: "x", author: "A", license: "" }).text, /licence/);
  assert.equal(lacking({ name: "x", author: "A", license: "MIT" }), null);
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

test("a folder that is in the way is named, and no other error is taken for that", () => {
  const folder = "/runs/a b/bundles/bidviz-metric-x";
  assert.equal(folderInTheWay(`${folder} is there already: choose another name or another folder, or take it away.`), folder);
  assert.equal(folderInTheWay("There is no metric x."), "");
});

test("the journal tells what came of a package, the last time", () => {
  const entry = (number, name, success = true) => ({
    number, success, action: "shareBundle", detail: { name, folder: `/b/${name}` },
  });
  const journal = [entry(1, "x"), entry(2, "y"), entry(3, "x"), entry(4, "x", false), { number: 5, action: "addMetric", success: true, detail: {} }];
  assert.equal(lastShared(journal, { name: "x" }).number, 3);
  assert.equal(lastShared(journal, { folder: "/b/y" }).number, 2);
  assert.equal(lastShared(journal, { name: "x", after: 3 }), null);
  assert.equal(lastShared(journal, { name: "z" }), null);
});

test("the journal tells that a package failed, until it was written all the same", () => {
  const entry = (number, success, name = "x") => ({ number, success, action: "shareBundle", detail: { name } });
  const journal = [entry(1, true), entry(2, false), entry(3, true, "y"), { number: 4, action: "addMetric", success: false, detail: {} }];
  assert.equal(lastFailed(journal, { name: "x" }).number, 2);
  assert.equal(lastFailed(journal, { name: "x", after: 2 }), null);
  assert.equal(lastFailed(journal, { name: "y" }), null);
  assert.equal(lastFailed([...journal, entry(5, true)], { name: "x" }), null);
});

test("what is only a note is not to be mended, and is told of", () => {
  assert.equal(writtenText(0, 0), "Written, and the check found nothing that has to be mended.");
  assert.equal(writtenText(0, 1), "Written, and the check found nothing that has to be mended; it has a note, below.");
  assert.equal(writtenText(0, 2), "Written, and the check found nothing that has to be mended; it has 2 notes, below.");
  assert.equal(writtenText(1, 3), "Written; the check has one finding to mend.");
});
