// What can be done with a metric or a panel, wherever it is asked for; each says what it did and can be undone or asks first.
import { download } from "../dom.js";
import { formatCount } from "../numbers.js";
import { openMenu } from "../shell/menu.js";
import { fileName } from "./focus.js";

/** The actions of a run's page on its metrics and panels. */
export class Actions {
  #model;
  #notices;
  #arrangement;

  /**
   * @param {import("./model.js").RunModel} model
   * @param {import("../shell/notices.js").Notices} notices
   * @param {import("./arrangement.js").Arrangement} arrangement
   */
  constructor(model, notices, arrangement) {
    this.#model = model;
    this.#notices = notices;
    this.#arrangement = arrangement;
  }

  /** Disables a metric that runs; enables, or tries again, one that does not. */
  async toggle(metric) {
    const enabled = Boolean(!metric.enabled || metric.failure);
    const reply = await this.#ask("changeMetric", { name: metric.name, enabled });
    if (!reply) return;
    const back = enabled ? [] : [["Undo", () => this.toggle({ ...metric, enabled: false }), this.#refusal("tune")]];
    this.#tell(`${metric.name} is ${enabled ? "enabled" : "disabled"}${since(reply.step)}.`, back);
  }

  /** Removes a metric. One that was typed on a page can be put back; for others it asks first. */
  remove(metric, anchor) {
    if (metric.origin === "person" && metric.code) {
      this.#removeNow(metric, [["Undo", () => this.#putBack(metric), this.#refusal("code")]]);
      return;
    }
    const from =
      { "built-in": "It is built in", script: "It came with the script" }[metric.origin] ??
      `It came with ${metric.origin}`;
    openMenu(
      anchor,
      [
        `${from}: it comes back when the run is started again. Its history stays.`,
        { label: `Remove ${metric.name}`, action: () => this.#removeNow(metric, []), danger: true },
        { label: "Disable it instead", action: () => this.toggle({ ...metric, enabled: true, failure: null }) },
      ],
      `Remove ${metric.name}?`,
    );
  }

  /** Loads an offered bundle; says whether it went well. */
  async loadBundle(name) {
    this.#notices.drop(`offered:${name}`);
    const reply = await this.#ask("loadBundle", { name });
    if (reply) this.#tell(`${name} is loaded${since(reply.step)}: its metrics are below.`, []);
    return Boolean(reply);
  }

  /** Interrupts the metric that does not return. */
  async interrupt() {
    const reply = await this.#ask("interruptMetric", {});
    if (reply) this.#tell("The metric was interrupted; training goes on.", []);
  }

  hide(panel) {
    this.#arrangement.hide(panel.id);
    this.#tell(`“${panel.title}” is hidden; its metric goes on.`, [
      ["Undo", () => this.#arrangement.unhide([panel.id])],
    ]);
  }

  removeOwn(panel) {
    this.#arrangement.removeOwn(panel.id);
    const { id, title, spec } = panel;
    this.#tell(`“${title}” is removed.`, [["Undo", () => this.#arrangement.addOwn({ id, title, spec })]]);
  }

  /** Downloads what a tile shows. */
  async save(tile, kind) {
    try {
      if (!tile.chart) throw new Error("There is nothing drawn to download.");
      const blob =
        kind === "csv" ? new Blob([await tile.chart.exportCSV()], { type: "text/csv" }) : await tile.chart.exportPNG();
      download(fileName(this.#model, tile.panel, kind), blob);
    } catch (error) {
      this.#notices.add(error.message, { tone: "bad" });
    }
  }

  #refusal(right) {
    return () => this.#model.refusal(right);
  }

  async #removeNow(metric, actions) {
    const reply = await this.#ask("removeMetric", { name: metric.name });
    if (reply) this.#tell(`${metric.name} is removed${since(reply.step)}; its history stays.`, actions);
  }

  async #putBack(metric) {
    const { name, code, every, charts, where } = metric;
    const reply = await this.#ask("addMetric", { name, code, every, chart: charts?.[0] ?? null, where });
    if (reply) this.#tell(`${name} runs again.`, []);
  }

  async #ask(method, content) {
    try {
      return await this.#model.request(method, content);
    } catch (error) {
      this.#notices.add(error.message, { tone: "bad" });
      return null;
    }
  }

  #tell(text, actions) {
    this.#notices.add(text, { tone: "good", actions, seconds: actions.length ? 12 : 6 });
  }
}

function since(step) {
  return step === null || step === undefined ? "" : ` since step ${formatCount(step)}`;
}
