import assert from "node:assert/strict";
import { test } from "node:test";
import { shortened, titlePieces } from "./cut-name.js";

test("long names differ in what is seen of them", () => {
  const names = [];
  for (let layer = 0; layer < 12; layer++)
    for (const part of ["self_attn.dropout", "self_attn.out_proj.dropout", "dropout", "dropout1", "dropout2"]) names.push(`transformer.encoder.layers.${layer}.${part}`);
  const seen = names.map(shortened);
  assert.equal(new Set(seen).size, names.length);
  assert.ok(seen.every((one) => one.length <= 40), seen.join("\n"));
  assert.equal(shortened("transformer.encoder.layers.11.self_attn.out_proj.dropout"), "transfor…s.11.self_attn.out_proj.dropout");
});

test("names that two lines have room for are whole", () => {
  for (const name of ["lr", "decoupled_weight_decay", "layers.layers.0.self_attn.dropout"]) assert.equal(shortened(name), name);
});

test("a line of a title may end after what joins its words, and never inside one or inside a number", () => {
  assert.deepEqual(titlePieces("head/softmax_confidence"), ["head/", "softmax_", "confidence"]);
  assert.deepEqual(titlePieces("layers.0.self_attn.dropout"), ["layers.0.self_", "attn.", "dropout"]);
  assert.deepEqual(titlePieces("Share above 0.95"), ["Share above 0.95"]);
  for (const title of ["", "/", "__init__", "Separation"]) assert.equal(titlePieces(title).join(""), title);
});
