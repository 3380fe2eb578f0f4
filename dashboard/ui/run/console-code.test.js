import assert from "node:assert/strict";
import { test } from "node:test";
import { fromCharacters, indentAfter, isWhole, toCharacters } from "./console-code.js";

test("a text is whole when nothing is open", () => {
  for (const code of ["1 + 1", "model", "f(1)", "x = '('", "# (", "!ls (", "a = 1\nb = 2", "for x in y:\n    f(x)\n", "'it is'", "%who", "x = {1: 2}"])
    assert.equal(isWhole(code), !code.startsWith("!ls ("), code);
  for (const code of ["f(", "for x in y:", "for x in y:\n    f(x)", "'''", "if a:  # why", "@metric", "%%time", "a = \\", "[1,\n2"])
    assert.equal(isWhole(code), false, code);
});

test("a new line is indented as Python wants it", () => {
  assert.equal(indentAfter("for x in y:"), "    ");
  assert.equal(indentAfter("for x in y:\n    f(x)"), "    ");
  assert.equal(indentAfter("x"), "");
});

test("positions are counted in characters", () => {
  assert.equal(toCharacters("😀ab", 3), 2);
  assert.equal(fromCharacters("😀ab", 2), 3);
});
