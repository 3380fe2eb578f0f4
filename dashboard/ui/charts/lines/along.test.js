import assert from "node:assert/strict";
import { test } from "node:test";
import { MOMENT, timeTicks } from "./along.js";

test("moments stand as far apart as their words are wide, on however narrow a chart", () => {
  for (const width of [120, 160, 225, 400, 1300])
    for (let span = 4; span < 400_000; span *= 1.37) {
      const { at, texts } = timeTicks(1_790_000_003, 1_790_000_003 + span, width / MOMENT);
      const apart = at.slice(1).map((moment, i) => ((moment - at[i]) / span) * width);
      assert.ok(apart.every((pixels) => pixels >= MOMENT - 1e-6), `${span} s on ${width} px: ${texts}`);
      assert.ok(at.length >= 1 && at.every((moment) => moment >= 1_790_000_003 && moment <= 1_790_000_003 + span), `${span} s on ${width} px: none`);
      if (width >= 160 && span > 40) assert.ok(at.length >= 2, `${span} s on ${width} px: ${texts}`);
      assert.ok(texts.every((text) => text.length * 6.6 + 8 <= MOMENT));
    }
});
