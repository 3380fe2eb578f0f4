/** The step a person points at, shared by every panel of a run. */

export class Crosshair {
  #followers = new Set();
  #frame = null;
  step = null;

  /** @param {?number} step where the person points, or `null` when they no longer do. */
  point(step) {
    if (step === this.step) return;
    this.step = step;
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = null;
      this.#followers.forEach((follower) => follower(this.step));
    });
  }

  /** Calls back with the step, at most once an animation frame; returns what ends it. */
  follow(follower) {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }
}

const crosshairs = new WeakMap();

/** The crosshair of a run's panels. */
export function crosshairOf(store) {
  if (!crosshairs.has(store)) crosshairs.set(store, new Crosshair());
  return crosshairs.get(store);
}
