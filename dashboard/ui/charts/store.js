/**
 * All series of one run as the browser holds them. Live batches and history come to one line here: a history frame says
 * the last batch it holds, and live batches up to that one are let go of, so that nothing is doubled; history that ends
 * before the first live batch is asked for again, so that nothing is lost.
 */

import { ArraySeries, isLeft } from "./arrays.js";
import { columnsOfHistory } from "./columns.js";
import { decodeFrame } from "./frames.js";
import { Series } from "./series.js";
import { Telling } from "./telling.js";

const POINTS = 1000; // entries of a whole history; closer looks ask for their own
const GATHER = 20; // ms in which panels' wishes become one request
const SPREAD = 64; // records of arrays that stand for the whole run
const SETTLE = 120; // ms a range must stand still before it is asked for
const LATER = 5000; // ms until what could not be had is asked for again
const AGAIN = 700; // ms until the store has committed what was missing (it does every 500)
const MOST = 10_000; // ms between two such requests, where it does not come (a full disk)

export class SeriesStore extends Telling {
  /**
   * @param {object} options
   * @param {string} options.run the run's id.
   * @param {(query: {series: string[], start: ?number, stop: ?number, points: ?number}) => Promise<object[]>} options.requestHistory
   * @param {(query: {series: string, start: ?number, stop: ?number, count: number}) => Promise<object[]>} options.requestArrays
   */
  constructor({ run, requestHistory, requestArrays }) {
    super();
    this.run = run;
    this.sequence = 0; // the last batch applied
    this.newest = 0; // the last step of which something is known here
    this.catalogue = { series: {}, metrics: [] };
    this.told = false; // whether a catalogue came: before, nobody knows which series there are
    this.marks = [];
    this.rewinds = []; // {step, time}: to which step the run went back, and when
    this.end = null; // the last step of a run that is gone, as its file has it
    this.rewoundAt = 0; // the last batch applied when the last of them was told
    this.problem = ""; // why history could not be read, as a sentence
    this.requestHistory = requestHistory;
    this.requestArrays = requestArrays;
    this.scalars = new Map();
    this.arrays = new Map();
    this.since = 0; // live batches are whole from this one on
    this.wanted = new Map(); // name → "asked" | "here" | "failed"
    this.spreading = new Set(); // series of arrays whose past was asked for
    this.details = new Map(); // who looks → the wish and its timer
    this.timers = new Set();
    this.alive = true;
  }

  /** Applies a live frame ("batch" or "array"); what is here already is passed over. */
  applyFrame(raw) {
    const frame = raw instanceof ArrayBuffer ? decodeFrame(raw) : raw;
    const { header } = frame;
    if (header.run !== this.run || !this.alive) return;
    if (header.type === "array") this.#applyArray(frame);
    else if (header.type === "batch" && header.sequence > this.sequence) this.#applyBatch(frame);
    else if (header.type === "history") this.#adopt(frame);
  }

  #applyBatch({ header, buffers }) {
    if (!this.since) this.since = header.sequence;
    this.sequence = header.sequence;
    let [last, rewound] = [0, false];
    for (const { names, at } of header.blocks) {
      const steps = buffers[at].data;
      const [times, values] = [buffers[at + 1].data, buffers[at + 2].data];
      names.forEach((name, row) => {
        const series = this.#scalar(name);
        const { rewinds } = series;
        series.append(steps, times, values, row * steps.length, header.sequence);
        rewound ||= series.rewinds > rewinds;
        for (const rewind of this.rewinds) if (times[0] <= rewind.time) series.leave(rewind, false);
        last = Math.max(last, series.latest?.step ?? 0);
        this.tell(name);
      });
    }
    this.newest = rewound ? last : Math.max(this.newest, last);
    if (this.end !== null) this.endsAt(this.end);
  }

  #applyArray(frame) {
    const { name, sequence } = frame.header;
    if (isLeft(frame.header, this.rewinds)) return;
    let series = this.arrays.get(name);
    if (!series) {
      this.arrays.set(name, (series = new ArraySeries(name)));
      this.tellAll();
    }
    series.apply(frame);
    if (sequence > this.sequence) {
      this.since ||= sequence;
      // The same batch's numbers may still come: they count from its own number, so this one is not passed yet.
      this.sequence = sequence - 1;
      this.newest = Math.max(this.newest, frame.header.step);
    }
    this.tell(name);
  }

  #scalar(name) {
    let series = this.scalars.get(name);
    if (!series) {
      this.scalars.set(name, (series = new Series(name)));
      this.tellAll();
    }
    return series;
  }

  #adopt(frame) {
    const { header } = frame;
    const series = this.#scalar(header.series);
    const columns = columnsOfHistory(frame);
    const per = columns.length ? columns.count[0] : 1;
    const stale = this.#stale(columns, per, header.sequence);
    series.adopt(columns, header.sequence, per);
    this.newest = Math.max(this.newest, series.latest?.step ?? 0);
    this.wanted.set(header.series, "here");
    if (per > 1 && !series.recent.length && columns.length) this.#readEnd(series, columns.step[columns.length - 1]);
    if (stale || (this.since > 1 && header.sequence < this.since - 1)) {
      // The run's file lags behind by a commit: what lies between is in neither, so ask once more.
      series.wait = Math.min(MOST, 2 * (series.wait ?? AGAIN / 2));
      this.#askAgain([header.series], series.wait);
    } else series.wait = undefined;
    this.tell(header.series);
  }

  /** Whether the run's file was read before it was told that the run went back; what can be told apart is taken away. */
  #stale(columns, per, sequence) {
    const went = this.rewinds.filter((rewind) => columns.leave(rewind));
    return went.length > 0 || (per > 1 && sequence < this.rewoundAt);
  }

  /** The last bucket of a run that is over holds the last value: the readout shows that, not the bucket's mean. */
  async #readEnd(series, start) {
    const frames = await this.#history({ series: [series.name], start, stop: null, points: null });
    const steps = frames[0]?.buffers[0].data;
    if (!steps?.length || series.recent.length) return;
    const end = steps.length - 1;
    series.latest = { step: steps[end], time: frames[0].buffers[5].data[end], value: frames[0].buffers[1].data[end] };
    this.newest = Math.max(this.newest, steps[end]);
    this.tell(series.name);
  }

  async #history(query) {
    try {
      const frames = await this.requestHistory(query);
      if (this.problem) {
        this.problem = "";
        this.tellAll();
      }
      return this.alive ? frames : [];
    } catch (error) {
      this.problem = `History could not be read: ${error.message}`;
      this.tellAll();
      return [];
    }
  }

  /** Asks for the whole history of series, once, at the resolution of a chart; arrays get their latest value. */
  need(names) {
    const missing = names.filter((name) => !this.wanted.has(name));
    if (!missing.length) return;
    for (const name of missing) this.wanted.set(name, "gathering");
    if (this.gathering) return;
    this.gathering = this.#later(GATHER, () => {
      this.gathering = null;
      const gathered = [...this.wanted].filter(([, state]) => state === "gathering").map(([name]) => name);
      for (const name of gathered) this.wanted.set(name, "asked");
      const scalars = gathered.filter((name) => this.kind(name) === "scalar");
      if (scalars.length) this.#needScalars(scalars);
      for (const name of gathered) if (this.kind(name) !== "scalar") this.#needArrays(name);
    });
  }

  async #needScalars(names) {
    const frames = await this.#history({ series: names, start: null, stop: null, points: POINTS });
    for (const frame of frames) this.#adopt(frame);
    this.#askAgain(names.filter((name) => this.wanted.get(name) === "asked"), LATER);
  }

  async #needArrays(name) {
    const came = await this.arraysAt(name, null, null, 1);
    this.wanted.set(name, "here");
    if (!came) this.#askAgain([name], LATER);
  }

  /** What did not come is asked for once more after a while: not at once, for the reason may last. */
  #askAgain(names, delay) {
    if (!names.length) return;
    for (const name of names) this.wanted.set(name, "failed");
    this.#later(delay, () => this.#renew(names.filter((name) => this.wanted.get(name) === "failed")));
  }

  #renew(names) {
    for (const name of names) this.wanted.delete(name);
    this.need(names);
  }

  /**
   * Asks for array records between two steps.
   *
   * @returns {Promise<boolean>} whether an answer came.
   */
  async arraysAt(name, start, stop, count) {
    try {
      const frames = await this.requestArrays({ series: name, start, stop, count });
      for (const frame of frames) this.#applyArray({ ...frame, header: { ...frame.header, name, sequence: 0 } });
      return true;
    } catch (error) {
      this.problem = `History could not be read: ${error.message}`;
      this.tellAll();
      return false;
    }
  }

  /** Asks, once, for records of a series of arrays that are spread over the whole run. */
  async needSpread(name) {
    if (this.spreading.has(name)) return;
    this.spreading.add(name);
    try {
      const came = await this.requestArrays({ series: name, start: null, stop: null, count: SPREAD, spread: true });
      const frames = came.filter(({ header }) => !isLeft(header, this.rewinds));
      if (!this.alive || !frames.length) return;
      if (!this.arrays.has(name)) this.#applyArray({ ...frames.at(-1), header: { ...frames.at(-1).header, name, sequence: 0 } });
      this.arrays.get(name).spread(frames);
      this.tell(name);
    } catch (error) {
      this.problem = `History could not be read: ${error.message}`;
      this.tellAll();
      this.#later(LATER, () => this.spreading.delete(name));
    }
  }

  /**
   * Asks for a range at a resolution, when it has stood still for a moment.
   *
   * @param {object} key who looks: a later wish of the same one replaces this.
   * @param {string[]} names series.
   * @param {number} start first step.
   * @param {number} stop last step; `Infinity` for a range that follows the run.
   * @param {number} points entries wanted.
   */
  detail(key, names, start, stop, points) {
    const wish = `${names.join("\n")} ${start} ${stop} ${points}`;
    const before = this.details.get(key);
    if (before?.wish === wish) return;
    clearTimeout(before?.timer);
    const timer = this.#later(SETTLE, () => this.detailNow(names, start, stop, points, key));
    this.details.set(key, { wish, timer });
  }

  /** The same at once; resolves when the stretch is here (or could not be had: then `problem` says why). */
  async detailNow(names, start, stop, points, by = null) {
    const bound = (step, round) => (Number.isFinite(step) ? round(step) : null);
    // `stop` is the step after the last one asked for.
    const query = { series: names, start: bound(start, Math.floor), stop: bound(stop, (step) => Math.floor(step) + 1), points };
    for (const frame of await this.#history(query)) {
      const columns = columnsOfHistory(frame);
      const per = columns.length ? columns.count[0] : 1;
      if (this.#stale(columns, per, frame.header.sequence) && by) {
        this.details.delete(by); // whoever looks asks again
        this.tell(frame.header.series);
        continue;
      }
      this.#scalar(frame.header.series).addDetail({ columns, sequence: frame.header.sequence, per, start, stop, by });
      this.tell(frame.header.series);
    }
  }

  /** @param {object} catalogue the run's, as it came: series and their kinds, metrics. */
  setCatalogue(catalogue) {
    this.catalogue = catalogue;
    this.told = true;
    this.tellAll();
  }

  /** @param {{step: number, time: number, author: string, text: string, reason?: string}[]} marks changes, drawn as vertical lines. */
  setMarks(marks) {
    this.marks = [...marks].sort((one, other) => one.step - other.step);
    this.tellAll();
  }

  /**
   * The run went back, once or often: what it left behind is no part of its course any more, and goes at once.
   *
   * @param {{step: number, time: number}[]} rewinds - to which step, and when in seconds since the epoch.
   */
  wentBack(rewinds) {
    if (!rewinds.length) return;
    this.rewinds = [...this.rewinds, ...rewinds];
    this.rewoundAt = this.sequence;
    this.#leave(rewinds);
  }

  /**
   * The training is gone, and the run's file ends with a step: what came live after it was never written, and nobody will see it again.
   *
   * @param {?number} step - `null` takes it back, for a training that was gone for those who could not see it.
   */
  endsAt(step) {
    if (step === null && this.end !== null) this.#refetch();
    this.end = step;
    const beyond = ({ latest }) => latest?.step > step;
    if (step !== null && [...this.scalars.values(), ...this.arrays.values()].some(beyond)) this.#leave([{ step, time: Infinity }]);
  }

  #leave(rewinds) {
    const changed = [];
    for (const [name, series] of [...this.scalars, ...this.arrays]) {
      if (rewinds.filter((rewind) => series.leave(rewind)).length) changed.push(name);
      if (series instanceof ArraySeries && !series.latest) this.arrays.delete(name); // none is never told of as one without a value
    }
    this.newest = Math.max(0, ...[...this.scalars.values(), ...this.arrays.values()].map(({ latest }) => latest?.step ?? 0));
    for (const name of changed) this.tell(name);
    this.tellAll();
    this.details.clear();
    this.spreading.clear();
    // Buckets that reached beyond the step went as a whole: the run's file has what of them counts, by its next commit.
    this.#askAgain(changed.filter((name) => this.wanted.get(name) === "here"), AGAIN);
  }

  /** Live frames before batch `sequence` were not sent: history is asked again for what panels show. */
  gap({ sequence }) {
    this.since = Math.max(this.since, sequence);
    this.#refetch();
  }

  /** The connection stands again: what failed is asked again. */
  reconnected() {
    this.details.clear();
    this.#renew([...this.wanted].filter(([, state]) => state !== "here").map(([name]) => name));
    this.tellAll();
  }

  #refetch() {
    this.details.clear();
    this.spreading.clear();
    this.#renew([...this.wanted.keys()]);
  }

  /** The kind of a series' values: `"scalar"` or a value type's. */
  kind(name) {
    return this.catalogue.series?.[name] ?? (this.arrays.has(name) ? this.arrays.get(name).latest?.value.kind : "scalar") ?? "scalar";
  }

  /** The last record of a series. */
  latest(name) {
    return this.scalars.get(name)?.latest ?? this.arrays.get(name)?.latest;
  }

  /** Every series the run is known to have. */
  names() {
    return [...new Set([...Object.keys(this.catalogue.series ?? {}), ...this.scalars.keys(), ...this.arrays.keys()])];
  }

  #later(delay, act) {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      act();
    }, delay);
    this.timers.add(timer);
    return timer;
  }

  /** Lets go of everything. */
  destroy() {
    this.alive = false;
    for (const timer of this.timers) clearTimeout(timer);
    this.scalars.clear();
    this.arrays.clear();
    this.tellNobody();
  }
}
