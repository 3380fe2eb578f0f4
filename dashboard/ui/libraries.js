// Drawing libraries are heavy and wanted only by some charts, and a table's only by one page: each is loaded once, from our own
// server, when it is first wanted.

const FILES = { plotly: "plotly.min.js", vega: "vega.js" };
const GLOBALS = { plotly: "Plotly", vega: "bidviz_vega", table: "dash_ag_grid" };
const loading = new Map();
const places = new Map();

/**
 * Says where the libraries are, for a page that another server serves or that lies on a disk.
 *
 * @param {{plotly?: string, vega?: string}} addresses each a script's address; those that are not named stay where they were.
 */
export function placeLibraries(addresses) {
  for (const [name, address] of Object.entries(addresses)) if (address) places.set(name, address);
}

/** @returns {Promise<object>} Plotly; rejects with a sentence where it cannot be loaded, and can be asked again. */
export function loadPlotly() {
  return load("plotly");
}

/** @returns {Promise<object>} what `vega/index.js` gives; rejects as `loadPlotly` does. */
export function loadVega() {
  return load("vega");
}

/** @returns {Promise<object>} the library of the table of runs, from where the page says; rejects as `loadPlotly` does. */
export function loadTable() {
  placeLibraries({ table: document.querySelector("meta[name='bidviz-table']")?.content });
  return load("table");
}

function load(name) {
  const there = window[GLOBALS[name]];
  if (there) return Promise.resolve(there);
  if (!loading.has(name)) loading.set(name, fetchScript(name));
  return loading.get(name);
}

function fetchScript(name) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = places.get(name) ?? `/bidviz/${FILES[name]}`;
    const fail = () => {
      loading.delete(name);
      script.remove();
      reject(new Error("The drawing library could not be loaded from the dashboard: is it still running?"));
    };
    script.onload = () => (window[GLOBALS[name]] ? resolve(window[GLOBALS[name]]) : fail());
    script.onerror = fail;
    document.head.append(script);
  });
}
