// All that the page knows of one run, in one place with one writer: what came over the connection.
import { Emitter } from "../emitter.js";
import { Connection } from "../socket/connection.js";
import { SeriesStore } from "../charts/index.js";
import { kindOf } from "../charts/mark-kinds.js";
import { Past } from "./past.js";
import { isMarked, reasonOf, rewindsOf, summaryOf } from "./journal-entries.js";
import { LIVE, who } from "./states.js";
import { merged } from "./steered.js";

const RANK = { view: 0, tune: 1, code: 2 };
const KEPT_FAILURES = 200;
const TRIES = 5; // to subscribe to a run that is refused
const AGAIN = 1000; // ms between two of them

/** Events: `catalogue`, `status`, `failures`, `journal`, `connection`, `silence`, `layout`, `costs`, `health`, `hyperparameters` (or policies). */
export class RunModel extends Emitter {
  catalogue = null;
  status = null;
  failures = [];
  journal = [];
  hyperparameters = [];
  policies = [];
  health = [];
  rules = []; // those that bundles bring, `{rule, on}`
  past = new Past();
  toldAt = null; // the step of the hyperparameters' values, where they came with a beat
  #tries = 0;
  layout = undefined; // undefined until asked, null when none is kept

  /** @param {string} run - the run's id. */
  constructor(run) {
    super();
    this.run = run;
    this.connection = new Connection(run);
    this.store = new SeriesStore({
      run,
      requestHistory: (query) => this.#frames("history", query),
      requestArrays: (query) => this.#frames("arrayHistory", query),
    });
    const connection = this.connection;
    connection.on("open", () => this.#subscribe());
    connection.on("state", () => this.emit("connection", connection.state));
    connection.on("silence", (since) => this.emit("silence", since));
    connection.on("frame", (frame) => this.#mine(frame.header.run) && this.store.applyFrame(frame));
    connection.on("catalogue", (catalogue) => this.#mine(catalogue.run.id) && this.#takeCatalogue(catalogue));
    connection.on("status", ({ run: id, status }) => this.#mine(id) && this.#takeStatus(status));
    connection.on("failure", ({ run: id, failure }) => this.#mine(id) && this.#takeFailure(failure));
    connection.on("journal", ({ run: id, entry }) => this.#mine(id) && this.#takeEntries([entry], true));
    connection.on("hyperparameters", (news) => this.#mine(news.run) && this.#takeHyperparameters(news));
    connection.on("costs", (news) => this.#mine(news.run) && this.#takeCosts(news.costs));
    connection.on("health", (news) => this.#mine(news.run) && this.#takeHealth(news.health, news.rules));
    connection.on("gap", (gap) => this.#mine(gap.run) && this.store.gap(gap));
  }

  /** Sends a request about this run; see `Connection.request`. */
  request(method, content, options) {
    const about =
      content && typeof content === "object" && !Array.isArray(content) ? { run: this.run, ...content } : content;
    return this.connection.request(method, about, options);
  }

  /** Whether the training process is there. */
  get live() {
    return this.status !== null && LIVE.has(this.status.state);
  }

  /** The last step heard of: while it runs, of a record as well, since these come more often than a status does. */
  get step() {
    const told = this.status?.step ?? 0;
    return this.status?.state === "running" ? Math.max(told, this.store.newest) : told;
  }

  /**
   * Why the person cannot do something now.
   *
   * @param {"view"|"tune"|"code"} right - what it needs.
   * @param {{ended?: boolean}} [options] - `ended`: it can be done with a run that has ended.
   * @returns {string} a sentence, or `""` when they can.
   */
  refusal(right, { ended = false } = {}) {
    if (this.connection.state !== "open") return "There is no connection to the dashboard now.";
    if (RANK[this.connection.right] < RANK[right]) {
      return right === "code"
        ? `Your link allows “${this.connection.right}”: open the page with the owner's link to add or run code.`
        : "Your link allows looking only: open the page with the owner's link to change things.";
    }
    if (right === "code" && !this.connection.allowCode)
      return "The dashboard was started with --no-code: it passes on no code.";
    if (!ended && this.status && !this.live) return `The training is not there any more (${this.status.state}).`;
    if (right === "code" && this.catalogue && this.catalogue.run.allow_code === false) {
      return "The training was started with allow_code=False.";
    }
    return "";
  }

  /** What this run's loop allows: reasons why not, empty where it can. */
  get abilities() {
    return this.catalogue?.abilities ?? {};
  }

  /** Its checkpoints, oldest first. */
  get checkpoints() {
    return this.catalogue?.checkpoints ?? [];
  }

  metric(name) {
    return this.catalogue?.metrics.find((metric) => metric.name === name) ?? null;
  }

  close() {
    this.connection.close();
    this.store.destroy();
  }

  #mine(run) {
    return run === undefined || run === this.run;
  }

  async #subscribe() {
    const since = this.store.sequence || null;
    try {
      const journal = this.journal.at(-1)?.number ?? 0;
      await this.connection.request("subscribe", { run: this.run, since });
      this.store.reconnected();
      const answers = await Promise.all([
        this.connection.request("getJournal", { run: this.run, since: journal }),
        this.layout === undefined ? this.connection.request("getLayout", { run: this.run }) : null,
      ]);
      this.#takeEntries(entriesOf(answers[0].data));
      if (answers[1]) {
        this.layout = answers[1].data || null;
        this.emit("layout", this.layout);
      }
    } catch (error) {
      if (error.lost) return; // the next connection subscribes again
      this.emit("refused", error);
      // A branch's file is in the making for a moment.
      if (this.#tries++ < TRIES) setTimeout(() => this.connection.state === "open" && this.#subscribe(), AGAIN);
    }
  }

  async #frames(method, query) {
    const content = { run: this.run, ...query };
    return (await this.connection.request(method, content)).frames;
  }

  #takeCatalogue(catalogue) {
    this.catalogue = catalogue;
    this.store.setCatalogue(catalogue);
    this.emit("catalogue", catalogue);
    const { hyperparameters = [], policies = [], health = [], rules = [] } = catalogue;
    this.#takeHealth(health, rules);
    this.toldAt = null;
    this.#steered(this.status?.step ?? 0, hyperparameters, policies);
  }

  /** What came with a beat: values change more often than the catalogue does. */
  #takeHyperparameters({ step, hyperparameters, policies }) {
    this.toldAt = step;
    this.#steered(step, ...merged(this, hyperparameters, policies));
  }

  #steered(step, hyperparameters, policies) {
    Object.assign(this, { hyperparameters, policies });
    this.past.take(step, hyperparameters);
    this.emit("hyperparameters", hyperparameters);
  }

  #takeCosts(costs) {
    if (!this.catalogue) return;
    this.catalogue = { ...this.catalogue, metrics: this.catalogue.metrics.map((one) => ({ ...one, ...costs[one.name] })) };
    this.emit("costs", costs);
  }

  #takeHealth(findings, rules = []) {
    Object.assign(this, { health: findings, rules });
    this.emit("health", findings);
  }

  #takeStatus(status) {
    this.status = status;
    this.store.endsAt(status.state === "lost" ? status.step : null);
    this.emit("status", status);
  }

  #takeFailure(failure) {
    const known = this.failures.some(
      (one) => one.time === failure.time && one.name === failure.name && one.message === failure.message,
    );
    if (known) return;
    this.failures = [...this.failures, failure].slice(-KEPT_FAILURES);
    this.emit("failures", this.failures);
  }

  #takeEntries(entries, live = false) {
    const last = this.journal.at(-1)?.number ?? 0;
    const fresh = entries.filter((entry) => entry.number > last);
    if (!fresh.length) return;
    // Of those before the page was opened the history that it asked for knows.
    if (this.journal.length || live) this.store.wentBack(rewindsOf(fresh));
    this.journal = [...this.journal, ...fresh];
    this.store.setMarks(this.journal.filter(isMarked).map(markOf));
    this.emit("journal", fresh);
  }
}

function markOf(entry) {
  const { step, time, author } = entry;
  return { step, time, author, kind: kindOf(entry), who: who(author), text: summaryOf(entry), reason: reasonOf(entry) };
}

function entriesOf(data) {
  return Array.isArray(data) ? data : (data?.entries ?? []);
}
