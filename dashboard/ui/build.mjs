// Bundles the browser's half into one script and one style sheet, the terminal and the preview into pairs of their own, and
// Vega-Lite into one more script, committed beside the Python that serves them.
//
//   node build.mjs            builds into ../src/bidviz_dashboard/static
//   node build.mjs --watch    builds again at every change, with a source map
//   node build.mjs --out DIR  builds elsewhere (the test that compares uses it)
import { build, context } from "esbuild";
import { fileURLToPath } from "node:url";
import { dirname, resolve } from "node:path";

const here = dirname(fileURLToPath(import.meta.url));
const argument = process.argv.indexOf("--out");
const out = argument > 0 ? resolve(process.argv[argument + 1]) : resolve(here, "../src/bidviz_dashboard/static");
const watch = process.argv.includes("--watch");

const options = {
  absWorkingDir: here,
  entryPoints: { bidviz: "index.js" },
  outdir: out,
  bundle: true,
  minify: !watch,
  sourcemap: watch ? "inline" : false,
  format: "iife",
  globalName: "bidviz_ui",
  target: ["chrome109", "firefox115", "safari16.4"],
  legalComments: "linked",
  charset: "utf8",
  logLevel: "info",
};

// A file of its own, so that a page without a console does not load it.
const terminal = { ...options, entryPoints: { terminal: "terminal/index.js" }, globalName: undefined };

// For pages that are not the dashboard's: an ES module, as its own header says.
const preview = { ...options, entryPoints: { preview: "preview/index.js" }, format: "esm", globalName: undefined };

// As large as everything else together, and wanted by few pages.
const vega = { ...options, entryPoints: { vega: "vega/index.js" }, globalName: "bidviz_vega" };

for (const each of [options, terminal, preview, vega]) {
  if (watch) await (await context(each)).watch();
  else await build(each);
}
