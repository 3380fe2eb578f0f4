/** The charts: a run's series, the panels that draw them, and the view of one that is studied closely. */

import "./charts.css";

export { chooseSpec, matchNames } from "./choose.js";
export { crosshairOf } from "./crosshair.js";
export { extensions, placeRenderers } from "./extensions.js";
export { openFocus } from "./focus.js";
export { decodeFrame } from "./frames.js";
export { createPanel, setTheme } from "./panel.js";
export { createPreview } from "./preview.js";
export { registerRenderer } from "./registry.js";
export { scheduler } from "./scheduler.js";
export { SeriesStore } from "./store.js";
