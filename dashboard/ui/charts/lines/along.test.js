import assert from "node:assert/strict";
import { test } from "node:test";
import { lastWhole, MOMENT, timeTicks } from "./along.js";

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

test("the last moment's words stand within the tile", () => {
  const last = lastWhole(100, 200, 144, 18);
  const right = ((200 - last) / 100) * 144 + 18;
  assert.ok(right >= (8 * 6.6) / 2 && right < MOMENT / 2, `${right}`);
  assert.equal(lastWhole(100, 200, 144, 40), 200);
});
