// xterm is heavy and wanted only by the console: it is loaded once, from our own server.
import { h } from "../dom.js";

const SCRIPT = "/bidviz/terminal.js";
const STYLE = "/bidviz/terminal.css";
let loading = null;

/** @returns {Promise<{Terminal: Function, FitAddon: Function}>} rejects with a sentence, and can be asked again. */
export function loadTerminal() {
  if (window.bidviz_terminal) return Promise.resolve(window.bidviz_terminal);
  loading ??= new Promise((resolve, reject) => {
    const style = h("link", { rel: "stylesheet", href: STYLE });
    const script = h("script", { src: SCRIPT });
    script.onload = () => resolve(window.bidviz_terminal);
    script.onerror = () => {
      loading = null;
      script.remove();
      style.remove();
      reject(new Error("The terminal could not be loaded from the dashboard: is it still running?"));
    };
    document.head.append(style, script);
  });
  return loading;
}
