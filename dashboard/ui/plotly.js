// Plotly is heavy and wanted only by some charts: it is loaded once, from our own server, when the first of them is drawn.

const ADDRESS = "/bidviz/plotly.min.js";
let loading = null;

/** @returns {Promise<object>} Plotly; rejects with a sentence where it cannot be loaded, and can be asked again. */
export function loadPlotly() {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = ADDRESS;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      loading = null;
      script.remove();
      reject(new Error("The drawing library could not be loaded from the dashboard: is it still running?"));
    };
    document.head.append(script);
  });
  return loading;
}
