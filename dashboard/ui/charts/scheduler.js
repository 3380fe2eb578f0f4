/**
 * Who is drawn when. A panel says that it is stale; one animation frame later the visible ones are drawn within a budget:
 * light ones (lines) first, longest waiting first, several times a second; heavy ones take turns and wait longer. What is
 * out of sight or in a hidden tab draws nothing, stays stale, and is drawn as soon as it is seen.
 */

const BUDGET = 8; // ms of drawing in one animation frame
const LIGHT = 50; // ms between two drawings of a line
const HEAVY = 700; // ms between two drawings of anything else
/** ms that what is due waits for the frame of what comes next, before it has one of its own: a little more than a tick of the pump. */
export const NEXT = 120;

export class Scheduler {
  #entries = new Set();
  #byElement = new Map();
  #frame = null;
  #timer = null;
  #paused = false;
  #watchers = new Set();
  #seen;

  constructor() {
    this.#seen = new IntersectionObserver((changes) => {
      for (const { target, isIntersecting } of changes) {
        const entry = this.#byElement.get(target);
        if (!entry) continue;
        entry.visible = isIntersecting;
        if (isIntersecting && entry.stale) this.#wake();
      }
    }, { rootMargin: "80px" });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.#wake();
    });
  }

  /**
   * Adds something that draws itself.
   *
   * @param {Element} element where it is, to know whether it is seen.
   * @param {() => void} draw draws it as it is now.
   * @param {boolean} light whether drawing costs about a millisecond.
   * @param {?object} owner whose drawing it is, for those who `watch`.
   * @returns {{invalidate: () => void, now: () => void, remove: () => void}} `now` draws soon whatever the cadence: for
   *   what a person does.
   */
  add(element, draw, light, owner = null) {
    const interval = light ? LIGHT : HEAVY;
    const entry = { element, draw, light, owner, interval, stale: false, since: 0, drawn: -Infinity, visible: false, cost: 1 };
    this.#entries.add(entry);
    this.#byElement.set(element, entry);
    this.#seen.observe(element);
    return {
      invalidate: () => this.#invalidate(entry),
      now: () => {
        entry.drawn = -Infinity;
        this.#invalidate(entry);
      },
      remove: () => {
        this.#entries.delete(entry);
        this.#byElement.delete(element);
        this.#seen.unobserve(element);
      },
    };
  }

  /** Draws nothing until `resume`. */
  pause() {
    this.#paused = true;
  }

  /** Draws what has changed meanwhile. */
  resume() {
    this.#paused = false;
    this.#wake();
  }

  /** Calls back after each frame with the owners of what was drawn in it: for measuring. Returns what ends it. */
  watch(callback) {
    this.#watchers.add(callback);
    return () => this.#watchers.delete(callback);
  }

  #invalidate(entry) {
    if (!entry.stale) {
      entry.stale = true;
      entry.since = performance.now();
    }
    if (entry.visible) this.#wake();
  }

  #wake() {
    if (this.#paused || document.hidden || this.#frame) return;
    this.#frame = requestAnimationFrame(() => this.#run());
  }

  #run() {
    this.#frame = null;
    if (this.#paused || document.hidden) return;
    const start = performance.now();
    const stale = [...this.#entries].filter((entry) => entry.stale && entry.visible);
    const due = stale.filter((entry) => start - entry.drawn >= pause(entry));
    due.sort((a, b) => b.light - a.light || a.since - b.since);
    let drawn = 0;
    for (const entry of due) {
      // At least one is drawn in each frame, so that a slow chart is late and never absent.
      if (drawn && performance.now() - start + entry.cost > BUDGET) break;
      this.#draw(entry);
      drawn++;
    }
    if (drawn) this.#watchers.forEach((callback) => callback(due.slice(0, drawn).map(({ owner }) => owner)));
    const waiting = stale.length - drawn;
    if (!waiting) return;
    if (drawn < due.length) this.#wake();
    else this.#wakeAt(Math.min(...stale.filter((entry) => entry.stale).map((entry) => entry.drawn + pause(entry))) + NEXT);
  }

  #draw(entry) {
    const start = performance.now();
    entry.stale = false;
    entry.drawn = start;
    try {
      entry.draw();
    } catch (error) {
      // One chart that fails must not keep the others from being drawn.
      console.error("A chart could not be drawn:", error);
    }
    entry.cost = 0.7 * entry.cost + 0.3 * (performance.now() - start);
  }

  #wakeAt(moment) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#wake(), Math.max(0, moment - performance.now()));
  }
}

/** What takes long to draw is drawn less often, so that it never takes more than a small part of the time. */
function pause({ interval, cost }) {
  return Math.max(interval, 10 * cost);
}

/** The page has one: all charts share the same frame's budget. */
export const scheduler = new Scheduler();
