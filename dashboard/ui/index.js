// What Dash finds under `window.bidviz_ui`: one component for each page.
import "./theme.css";
import "./css/controls.css";
import "./css/shell.css";
import "./css/drawer.css";
import "./css/console.css";
import "./css/tiles.css";
import "./css/editor.css";
import "./css/steering.css";
import "./css/runs.css";
import "./css/side.css";
import "./css/policies.css";
import "./css/sharing.css";
import "./css/strip.css";
import "./css/discover.css";
import "gridstack/dist/gridstack.min.css";
import { mountComparePage } from "./compare/page.js";
import { mountDiscoverPage } from "./discover/page.js";
import { mountExtensionPage } from "./extension/page.js";
import { loadTable } from "./libraries.js";
import { mountRunPage } from "./run/page.js";
import { mountRunsPage } from "./runs/page.js";
import { registerTableFunctions } from "./runs/table.js";

registerTableFunctions();
if (window.location.pathname === "/") loadTable().catch(() => undefined); // it is asked for again, and told of, when it is shown

/** A Dash component round a page: React keeps one empty element, the page does the rest. */
function component(name, mount, needs) {
  const Component = (props) => {
    const { useEffect, useRef, createElement } = window.React;
    const place = useRef(null);
    const value = props[needs];
    useEffect(() => {
      if (!value) return undefined;
      const page = mount(place.current, value);
      return () => page.destroy();
    }, [value]);
    return createElement("div", { id: props.id, ref: place, className: "bv-place" });
  };
  Component.displayName = name;
  return Component;
}

export const RunPage = component("RunPage", mountRunPage, "run");
export const DiscoverPage = component("DiscoverPage", mountDiscoverPage, "place");
export const ComparePage = component("ComparePage", mountComparePage, "runs");
export const ExtensionPage = component("ExtensionPage", mountExtensionPage, "path");
export const RunsPage = component("RunsPage", mountRunsPage, "table");
export { registerRenderer, scheduler } from "./charts/index.js";
export { openRun } from "./navigate.js";
export { loadTable } from "./libraries.js";
