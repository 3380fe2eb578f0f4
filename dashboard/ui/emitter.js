/** Tells its listeners what happened. A listener that throws is reported and does not keep the others from hearing it. */
export class Emitter {
  #listeners = new Map();

  /** @returns {() => void} what takes the listener away again. */
  on(event, listener) {
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
    this.#listeners.get(event).add(listener);
    return () => this.#listeners.get(event)?.delete(listener);
  }

  emit(event, ...values) {
    for (const listener of [...(this.#listeners.get(event) || [])]) {
      try {
        listener(...values);
      } catch (error) {
        console.error(`A listener to "${event}" failed:`, error);
      }
    }
  }
}
