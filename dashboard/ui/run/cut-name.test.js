import assert from "node:assert/strict";
import { test } from "node:test";
import { shortened } from "./cut-name.js";

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
