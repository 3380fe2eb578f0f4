import assert from "node:assert/strict";
import { test } from "node:test";
import { shortText } from "./value-field.js";

test("a computed number takes six digits in its field, and what was typed stays", () => {
  const texts = [0.018607420270039438, 0.01, 0.30000001192092896, 1.8607420270039438e-5, 123456789012, 1e-8, true, NaN].map(shortText);
  assert.deepEqual(texts, ["0.0186074", "0.01", "0.3", "1.86074e-5", "123456789012", "1e-8", "true", "NaN"]);
});
