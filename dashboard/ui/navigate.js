// From page to page without loading everything again: Dash's Location component follows, and the back button works.

/** @param {string} path - `/` or `/run/<id>`. */
export function navigate(path) {
  window.dash_clientside.set_props("bidviz-location", { pathname: path });
}

/** Opens a run's page. */
export function openRun(run) {
  navigate(`/run/${encodeURIComponent(run)}`);
}

/** The address of *Discover*, for a run and, where one is named, with that bundle open. */
export function discoverPath(run, bundle = "") {
  const place = run ? `/run/${encodeURIComponent(run)}/discover` : "/discover";
  return bundle ? `${place}/${encodeURIComponent(bundle)}` : place;
}

let wanted = null;

/** Opens *Discover*. */
export function openDiscover(run, bundle = "") {
  wanted = bundle;
  navigate(discoverPath(run, bundle));
}

/** The bundle that *Discover* is to open: the one just asked for, else that of the address; `""` for none. */
export function askedBundle() {
  const found = /^(?:\/run\/[^/]+)?\/discover\/([^/]+)\/?$/.exec(location.pathname);
  const bundle = wanted ?? (found ? decodeURIComponent(found[1]) : "");
  wanted = null;
  return bundle;
}
