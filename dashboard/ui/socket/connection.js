// One websocket to the dashboard: requests with replies, notifications, binary frames, and coming back after a loss.
import { Emitter } from "../emitter.js";
import { decodeFrame } from "../charts/index.js";
import { formatCount, formatTime } from "../numbers.js";

const FIRST_DELAY = 500;
const LONGEST_DELAY = 15_000;
const LOOK = 1000; // ms between two looks at how long nothing was heard
const ASK = 1500; // ms without a word after which the dashboard is asked for one: a run that is over sends none by itself
const ASK_HIDDEN = 20_000; // the same while nobody looks
const SILENT = 4000; // ms without a word, nor the answer, after which that is said
const DEAD = 40_000; // ms after which the connection is given up and made anew

/** What there is to say of a dashboard that stands but says nothing; `""` while it is heard. */
export function silenceText({ silentSince }) {
  if (silentSince === null) return "";
  const seconds = Math.max(1, Math.round(Date.now() / 1000 - silentSince));
  return `No word from the dashboard for ${formatCount(seconds)} s: what you see is from ${formatTime(silentSince)}.`;
}

/** What was answered with `success: false`, or that no answer can come. */
export class RequestError extends Error {
  /**
   * @param {string} message - a sentence for the person.
   * @param {{line?: number|null, column?: number|null, end_column?: number|null, traceback?: string|null, lost?: boolean}} [details]
   */
  constructor(message, details = {}) {
    super(message);
    this.line = details.line ?? null;
    this.column = details.column ?? null;
    this.end_column = details.end_column ?? null;
    this.traceback = details.traceback || "";
    this.lost = Boolean(details.lost);
  }
}

/**
 * Events: `state` (see `state`), `silence` (see `silentSince`; each second while it lasts, and when it is over), `open` (after each hello, with its answer), `frame` (a decoded binary frame that nobody
 * asked for) and one for each `msgType` with the content.
 */
export class Connection extends Emitter {
  /** @type {"connecting"|"open"|"lost"|"closed"|"refused"} */
  state = "connecting";
  lostSince = null;
  /** When the dashboard was heard last, in seconds since the epoch, while the connection stands and it says nothing; else null. */
  silentSince = null;
  retryAt = null;
  right = "view";
  /** Whether the dashboard passes on code at all (it does not when it was started with `--no-code`). */
  allowCode = true;
  dashboard = "";
  #address;
  #socket = null;
  #number = 0;
  #waiting = new Map();
  #delay = FIRST_DELAY;
  #timer = null;
  #heard = 0;
  #watch = null;
  #asked = false;
  #looked = 0; // when it was looked last
  #awake = 0; // since when it was looked every second

  /** @param {string} run - the run this connection is about, or `""` for the list of runs. */
  constructor(run) {
    super();
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.#address = `${scheme}//${location.host}/ws${run ? `?run=${encodeURIComponent(run)}` : ""}`;
    window.addEventListener("online", this.#wake);
    document.addEventListener("visibilitychange", this.#wake);
    this.#watch = setInterval(() => this.#checkSilence(), LOOK);
    this.#connect();
  }

  /**
   * Sends a request.
   *
   * @param {string} method - its `methodName`.
   * @param {*} [content]
   * @param {{progress?: (text: string) => void, signal?: AbortSignal}} [options] - an aborted request is given up here; what
   *   the training does with it is not undone.
   * @returns {Promise<{data: *, step: number|null, frames: object[]}>} rejects with a `RequestError`.
   */
  request(method, content, options = {}) {
    if (this.state !== "open" && method !== "hello") {
      return Promise.reject(
        new RequestError("There is no connection to the dashboard now: it is being tried again.", { lost: true }),
      );
    }
    const id = `page-${++this.#number}`;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, frames: [], progress: options.progress });
      options.signal?.addEventListener("abort", () => {
        if (this.#waiting.delete(id))
          reject(new RequestError("Not waited for any longer; the training may still do it."));
      });
      this.#socket.send(
        JSON.stringify({ id, content: { methodName: method, ...(content === undefined ? {} : { content }) } }),
      );
    });
  }

  /** Tries again now rather than at the end of the delay. */
  retry() {
    if (this.state !== "lost") return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  close() {
    this.state = "closed";
    clearTimeout(this.#timer);
    clearInterval(this.#watch);
    window.removeEventListener("online", this.#wake);
    document.removeEventListener("visibilitychange", this.#wake);
    this.#socket?.close();
    this.#failAll();
  }

  #wake = () => {
    if (document.hidden) return;
    this.#awake = Date.now(); // a hidden page asks seldom: what it has not heard says nothing
    this.retry();
  };

  #connect() {
    let socket;
    try {
      socket = new WebSocket(this.#address);
    } catch (error) {
      console.error(error);
      this.#lose();
      return;
    }
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.onopen = () => this.#greet(socket);
    socket.onmessage = (event) => socket === this.#socket && this.#receive(event.data);
    socket.onclose = () => socket === this.#socket && this.state !== "closed" && this.#lose();
  }

  async #greet(socket) {
    try {
      const { data } = await this.request("hello", { versions: [1, 2], client: "page" });
      if (socket !== this.#socket) return;
      this.right = data?.right ?? "view";
      this.dashboard = data?.dashboard ?? "";
      this.allowCode = data?.allow_code !== false;
      this.#delay = FIRST_DELAY;
      this.lostSince = null;
      this.retryAt = null;
      this.#become("open");
      this.emit("open", data);
    } catch (error) {
      // A connection that is lost meanwhile, or a page that is left, is no fault: the page says so where it stays.
      if (!error.lost) console.error("The dashboard did not answer the greeting:", error.message);
      socket.close();
    }
  }

  #lose() {
    this.#failAll();
    this.lostSince ??= this.silentSince ?? Date.now() / 1000;
    this.silentSince = null;
    this.#socket = null;
    const delay = this.#delay * (0.8 + 0.4 * Math.random());
    this.#delay = Math.min(LONGEST_DELAY, this.#delay * 1.8);
    this.retryAt = Date.now() / 1000 + delay / 1000;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), delay);
    this.#become("lost");
  }

  #become(state) {
    this.state = state;
    this.emit("state", state);
  }

  #failAll() {
    for (const { reject } of this.#waiting.values()) {
      reject(
        new RequestError("The connection was lost before the answer came: look whether it took hold.", { lost: true }),
      );
    }
    this.#waiting.clear();
  }

  /**
   * A dashboard can be frozen, or a connection dead, without a close. After a silence something is asked that the dashboard
   * answers by itself, whatever its trainings do; no answer is said, and after long it means lost.
   */
  #checkSilence() {
    const now = Date.now();
    // A page that slept (a hidden tab, a laptop that was shut) has heard nothing because it did not listen.
    if (now - this.#looked > 2 * LOOK) this.#awake = now;
    this.#looked = now;
    if (this.state !== "open") return;
    const silent = now - this.#heard;
    if (silent > DEAD && this.#asked) {
      this.#socket.onclose = null;
      this.#socket.close();
      this.#lose();
    } else if (silent > (document.hidden ? ASK_HIDDEN : ASK) && !this.#asked) {
      this.#asked = true;
      this.request("hello", { versions: [1, 2], client: "page" }).catch(() => {});
    } else if (!document.hidden && now - Math.max(this.#heard, this.#awake) > SILENT) {
      this.silentSince = this.#heard / 1000;
      this.emit("silence", this.silentSince);
    }
  }

  #receive(data) {
    this.#heard = Date.now();
    this.#asked = false;
    if (this.silentSince !== null) {
      this.silentSince = null;
      this.emit("silence", null);
    }
    if (typeof data !== "string") {
      this.#receiveFrame(data);
      return;
    }
    let messages;
    try {
      messages = JSON.parse(data);
    } catch {
      console.error("The dashboard sent something that is no JSON; it was left out.");
      return;
    }
    for (const message of Array.isArray(messages) ? messages : [messages]) {
      if (message.msgType === "callback") this.#answer(message.content);
      else if (message.msgType === "progress" && this.#waiting.has(message.content.id)) {
        this.#waiting.get(message.content.id).progress?.(message.content.text);
      } else this.emit(message.msgType, message.content);
    }
  }

  #receiveFrame(buffer) {
    let frame;
    try {
      frame = decodeFrame(buffer);
    } catch (error) {
      console.error(error.message);
      return;
    }
    const asked = frame.header.id !== undefined && this.#waiting.get(frame.header.id);
    if (asked) asked.frames.push(frame);
    else if (frame.header.type !== "history") this.emit("frame", frame);
  }

  #answer({ id, success, data, step }) {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    if (success) {
      waiting.resolve({ data, step: step ?? null, frames: waiting.frames });
      return;
    }
    const details =
      data && typeof data === "object"
        ? data
        : { message: String(data || "It did not work, and nothing was said why.") };
    waiting.reject(new RequestError(String(details.message ?? JSON.stringify(details)), details));
  }
}
