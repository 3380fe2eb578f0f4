// Pages of panels: saved as a file, opened from one, and those that loaded bundles offer for this model.
import { download, h } from "../dom.js";
import { openMenu } from "../shell/menu.js";
import { shortName } from "./origin.js";
import { becauseText, metricsToAdd, offeredPages, placed, readPage } from "./page-file.js";
import { panelsOf } from "./panels.js";

const ARRIVES_WITHIN = 15_000; // ms in which a metric that was added has its panel

/** Opens and offers pages on a run's board. */
export class Pages {
  #model;
  #board;
  #arrangement;
  #notices;
  #told = new Set();
  #off;

  /**
   * @param {{model: import("./model.js").RunModel, board: import("./board.js").Board, arrangement: import("./arrangement.js").Arrangement,
   *   notices: import("../shell/notices.js").Notices}} page
   */
  constructor({ model, board, arrangement, notices }) {
    this.#model = model;
    this.#board = board;
    this.#arrangement = arrangement;
    this.#notices = notices;
    this.#off = ["catalogue", "layout"].map((event) => model.on(event, () => this.#offer()));
  }

  destroy() {
    this.#off.forEach((off) => off());
  }

  /** The panels that stand on the board. */
  get panels() {
    const { hidden, own } = this.#arrangement;
    return panelsOf(this.#model.catalogue, own).filter(({ id }) => !hidden.has(id));
  }

  /**
   * Opens the menu.
   *
   * @param {HTMLElement} anchor
   * @param {{save: () => void, share: () => void}} actions
   */
  menu(anchor, { save, share }) {
    const offered = offeredPages(this.#model.catalogue);
    openMenu(
      anchor,
      [
        offered.length ? "From the bundles that are loaded" : null,
        ...offered.map((one) => this.#offeredItem(one)),
        offered.length ? null : "A page: panels, their places, and metrics",
        { label: "Open from a file…", action: () => this.#openHere() },
        { label: "Save this page…", action: save },
        { label: "Share this page…", action: share, reason: this.#model.refusal("code") },
      ].filter((item, number) => item !== null || number),
      "Pages of panels",
    );
  }

  #offeredItem(offered) {
    const { page, file, origin, error, fits, because } = offered;
    if (!page)
      return { label: `${file} of ${shortName(origin)}`, action: () => {}, reason: error || "It cannot be read." };
    const why = because?.length ? ` · for ${becauseText(because)}` : fits ? "" : " · for other models";
    return { label: `${page.title} (${shortName(origin)})${why}`, action: () => this.open(page) };
  }

  /**
   * Opens a page: its metrics are added, its panels stand at their places, all others below.
   *
   * @param {object} page - a `PageFile`.
   * @param {{why?: string, keep?: boolean}} [options] - `keep`: whether the arrangement is kept for the run's name.
   */
  async open(page, { why = "", keep = true } = {}) {
    this.#opened ||= keep; // what somebody opened is an arrangement: none opens by itself over it
    const before = this.#arrangement.layout();
    const { fresh, taken } = metricsToAdd(page, this.#model.catalogue.metrics);
    const said = [why || `The page “${page.title}” is open.`];
    const refusal = fresh.length ? this.#model.refusal("code") : "";
    const { added, wrong } = refusal ? { added: [], wrong: [] } : await this.#add(fresh);
    if (refusal) said.push(`Without its metrics ${names(fresh)}: ${refusal}`);
    said.push(...wrong);
    if (taken.length) said.push(`${taken.join(", ")}: other code runs under that name here, and was left.`);
    const panels = panelsOf(this.#model.catalogue, this.#arrangement.own);
    const { layout, others, missing } = placed(page, panels, this.#arrangement.layout(), this.#series());
    this.#take(layout, keep);
    said.push(...missing.map(missingText));
    const shown = others.filter((id) => !layout.hidden.includes(id));
    const undo = ["Undo", () => this.#undo(page, before, added, keep)];
    const hide = () => {
      this.#take({ ...layout, hidden: [...layout.hidden, ...shown] }, keep);
      this.#notices.add("The other panels are hidden.", { key: "page", tone: "good", actions: [undo], seconds: 30 });
    };
    const actions = shown.length ? [["Hide the other panels", hide], undo] : [undo];
    this.#notices.add(said.join(" "), { key: "page", tone: missing.length || refusal ? "info" : "good", actions, seconds: 30 });
  }

  /** Gives the arrangement back that was there before a page, and removes the metrics that opening it added. */
  async #undo(page, before, added, keep) {
    this.#take(before, keep);
    const gone = [];
    const left = [];
    for (const { name, source, code = source } of added) {
      const there = this.#model.metric(name);
      if (!there) continue;
      if (there.code !== code) {
        left.push(`${name} has other code by now, and stays.`);
        continue;
      }
      try {
        await this.#model.request("removeMetric", { name });
        gone.push(name);
      } catch (error) {
        left.push(`${name} stays: ${error.message}`);
      }
    }
    if (!added.length) return;
    const removed = gone.length ? ` ${gone.join(", ")} ${gone.length === 1 ? "is" : "are"} removed; what was recorded stays.` : "";
    const tone = left.length ? "info" : "good";
    this.#notices.add([`“${page.title}” is closed.${removed}`, ...left].join(" "), { key: "page", tone });
  }

  /** Reads a file that the person chose, and opens the page. */
  #openHere() {
    const input = h("input", { type: "file", accept: ".json,application/json" });
    input.addEventListener("change", async () => {
      const [file] = input.files;
      if (!file) return;
      try {
        await this.open(readPage(await file.text(), file.name));
      } catch (error) {
        this.#notices.add(error.message, { tone: "bad" });
      }
    });
    input.click();
  }

  #series() {
    return Object.keys(this.#model.catalogue?.series ?? {});
  }

  #take(layout, keep) {
    this.#board.take(layout);
    if (keep) this.#arrangement.save();
  }

  /** Adds metrics one after the other, and waits until the run tells of them; gives those that came, and what went wrong. */
  async #add(metrics) {
    const added = [];
    const wrong = [];
    for (const metric of metrics) {
      const { name, source, code = source, every = 1, where = "training", chart = null } = metric;
      try {
        await this.#model.request("addMetric", { name, code, every, where, chart });
        added.push(metric);
        await this.#arrived(name);
      } catch (error) {
        wrong.push(`${name}: ${error.message}`);
      }
    }
    return { added, wrong };
  }

  #arrived(name) {
    if (this.#model.metric(name)) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        off();
        resolve();
      };
      const timer = setTimeout(done, ARRIVES_WITHIN);
      const off = this.#model.on("catalogue", () => this.#model.metric(name) && done());
    });
  }

  /** Tells once of each page that is meant for this model; the first opens by itself where nobody has arranged anything yet. */
  #offer() {
    const { catalogue, layout } = this.#model;
    if (!catalogue || layout === undefined) return;
    for (const { page, origin, file, fits, because } of offeredPages(catalogue)) {
      const key = `${origin}/${file}`;
      if (!page || !fits || !because?.length || this.#told.has(key)) continue;
      this.#told.add(key);
      const about = `The page “${page.title}” of ${shortName(origin)} is for models with ${becauseText(because)}`;
      const simple = !metricsToAdd(page, catalogue.metrics).fresh.length;
      if ((!layout || layout.automatic) && simple && !this.#opened) {
        this.#opened = true;
        this.open(page, { why: `${about}, and is open: this run has no arrangement of its own yet.`, keep: false });
      } else {
        this.#notices.add(`${about}.`, { key: `page:${key}`, seconds: 30, actions: [["Open it", () => this.open(page)]] });
      }
    }
  }

  #opened = false;
}

/** Hands a page to the person as a file. */
export function downloadPage(page) {
  const name = page.title.replaceAll(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || "page";
  download(`${name}.page.json`, new Blob([`${JSON.stringify(page, null, 1)}\n`], { type: "application/json" }));
}

function missingText({ title, origin }) {
  return origin
    ? `“${title}” waits for ${origin}, which is not loaded: see Discover.`
    : `“${title}” waits for series that this run does not have.`;
}

function names(metrics) {
  return metrics.map(({ name }) => name).join(", ");
}
