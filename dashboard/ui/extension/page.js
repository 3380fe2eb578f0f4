// A page that a bundle gives: the frame with the way home is ours, what stands in it is the bundle's script's.
import { fill, h, setText } from "../dom.js";
import { navigate, openRun } from "../navigate.js";
import { formatCount, formatExact, formatNumber } from "../numbers.js";
import { createPanel, extensions, openFocus } from "../charts/index.js";
import { homeLink } from "../run/header.js";
import { RunModel } from "../run/model.js";
import { Connection } from "../socket/connection.js";
import { button } from "../shell/buttons.js";
import { skipLink } from "../shell/skip.js";
import { onThemeChange, readTheme, switchTheme } from "../theme.js";

/**
 * Shows the page in an element.
 *
 * @param {HTMLElement} element
 * @param {string} path - the page's, as its bundle gave it.
 * @returns {{destroy: () => void}}
 */
export function mountExtensionPage(element, path) {
  const title = h("h1", { class: "bv-run-name", text: path });
  const origin = h("span", { class: "bv-muted" });
  const place = h("main", { class: "bv-extension" });
  const closing = [];
  let gone = false;
  fill(
    element,
    h(
      "div",
      { class: "bv-page" },
      skipLink("Skip to the content", place),
      h(
        "header",
        { class: "bv-header" },
        h(
          "nav",
          { class: "bv-crumbs", "aria-label": "Where you are" },
          homeLink(() => navigate("/")),
          h("span", { class: "bv-crumb-mark", "aria-hidden": "true", text: "▸" }),
          title,
        ),
        origin,
        h("span", { class: "bv-spring" }),
        h("div", { class: "bv-controls" }, button("Light or dark", switchTheme, { icon: "theme", bare: true })),
      ),
      place,
    ),
  );
  const dashboard = toolsOf((close) => closing.push(close));
  const say = (text) => fill(place, h("p", { class: "bv-muted", role: "status", text }));
  open(path, (page) => {
    if (gone) return null;
    setText(title, page.title);
    setText(origin, page.origin);
    document.title = `${page.title} · BIDViz`;
    return { place, dashboard };
  })
    .then((close) => typeof close === "function" && (gone ? close() : closing.push(close)))
    .catch((error) => gone || say(error.message));
  return {
    destroy() {
      gone = true;
      closing.forEach((close) => close());
      fill(element);
    },
  };
}

async function open(path, found) {
  const { pages } = await extensions();
  const page = pages.find((one) => one.path === path);
  if (!page) throw new Error(`No bundle here gives a page “${path}”.`);
  const into = found(page);
  if (!into) return null;
  let module;
  try {
    module = await import(page.script);
  } catch (error) {
    throw new Error(`The script of this page (of ${page.origin}) failed: ${error.message}`);
  }
  if (typeof module.default !== "function") throw new Error(`The script of this page (of ${page.origin}) exports no function as its default.`);
  return module.default(into.place, into.dashboard);
}

/** What a page's script is handed: names stay, more may come. All that it opens is closed with the page. */
function toolsOf(onClose) {
  const closed = (thing, close) => {
    onClose(() => close(thing));
    return thing;
  };
  return {
    h, fill, setText, formatCount, formatExact, formatNumber, navigate, openRun, readTheme,
    /** Calls back with the list of runs, now and whenever it changes. */
    runs(callback) {
      const connection = closed(new Connection(""), (one) => one.close());
      connection.on("runs", callback);
      connection.on("open", () => connection.request("subscribeRuns"));
    },
    /** A run as the page of one has it: `store`, `catalogue`, `status`, `on(event, callback)`, `request(method, content)`. */
    openModel: (run) => closed(new RunModel(run), (one) => one.close()),
    /** A chart in a box: see `createPanel`. */
    panel: (box, options) => closed(createPanel(box, options), (one) => one.destroy()),
    enlarged: (box, options) => closed(openFocus(box, options), (one) => one.destroy()),
    onThemeChange: (callback) => onClose(onThemeChange(callback)),
  };
}
