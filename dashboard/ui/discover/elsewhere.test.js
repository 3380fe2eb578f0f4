import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { absent, FIRST_PARTY, installing } from "./elsewhere.js";

const PLUGINS = new URL("../../../plugins/", import.meta.url);

test("the bundles that come with BIDViz are those that lie in its plugins, in their own words", () => {
  const own = {};
  for (const folder of readdirSync(PLUGINS)) {
    const about = readFileSync(new URL(`${folder}/pyproject.toml`, PLUGINS), "utf8");
    const [, name] = about.match(/^name = "(.+)"$/m);
    const [, text] = about.match(/^description = "(.+), for BIDViz\."$/m);
    own[name] = text;
  }
  assert.deepEqual(FIRST_PARTY, own);
});

test("only those that are neither installed nor on offer are named", () => {
  assert.deepEqual(absent(Object.keys(FIRST_PARTY)), []);
  const without = Object.keys(FIRST_PARTY).filter((name) => name !== "bidviz-metric-noise");
  assert.deepEqual(absent([...without, "bidviz-metric-mine"]), ["bidviz-metric-noise"]);
});

test("the command that installs them works where they are: in a checkout by folder, elsewhere by name", () => {
  const names = ["bidviz-metric-noise", "bidviz-metric-system"];
  assert.equal(installing(names, ""), "pip install bidviz-metric-noise bidviz-metric-system");
  assert.equal(installing(names, "/home/me/bidviz/plugins"), "pip install /home/me/bidviz/plugins/bidviz-metric-noise /home/me/bidviz/plugins/bidviz-metric-system");
  assert.equal(installing(["bidviz-metric-noise"], "/my files/plugins"), 'pip install "/my files/plugins/bidviz-metric-noise"');
});
