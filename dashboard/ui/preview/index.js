/**
 * The preview: an ES module that draws what a bundle would show, from the samples in its description, with the renderers
 * of a run's page and without our server.
 *
 *   <link rel="stylesheet" href="preview.css">
 *   <script type="module">
 *     import { drawBundle } from "./preview.js";
 *     drawBundle(document.querySelector("#bundle"), await (await fetch("bidviz-bundle.json")).json(), { theme: "dark" });
 *   </script>
 *
 * `plotly.min.js` and `vega.js` are looked for beside it, when a chart of theirs is drawn; `libraries` names other addresses.
 * `bidviz_dashboard.pictures.preview_files()` says where all of them lie.
 */
import "../theme.css";
import "../charts/charts.css";
import { withoutDashboard } from "../charts/extensions.js";
import { placeLibraries } from "../libraries.js";

withoutDashboard();

placeLibraries({
  plotly: new URL("plotly.min.js", import.meta.url).href,
  vega: new URL("vega.js", import.meta.url).href,
});

export { drawBundle, panelsOfBundle } from "./draw.js";
export { registerRenderer } from "../charts/registry.js";
