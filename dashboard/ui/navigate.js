// From page to page without loading everything again: Dash's Location component follows, and the back button works.

/** @param {string} path - `/` or `/run/<id>`. */
export function navigate(path) {
  window.dash_clientside.set_props("bidviz-location", { pathname: path });
}

/** Opens a run's page. */
export function openRun(run) {
  navigate(`/run/${encodeURIComponent(run)}`);
}
