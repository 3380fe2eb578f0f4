// The curve to come, asked for as a person types: one request at a time, the former one given up.

const REST = 150; // ms without a key before it is asked
const SHARE = 0.03; // of the steps looked ahead, until the present has moved far enough to ask anew

/** Asks `previewPolicy`; the answers come to the callbacks. */
export class Preview {
  #model;
  #shown;
  #failed;
  #content = null;
  #timer = null;
  #controller = null;
  #at = 0; // the step when it was asked last

  /**
   * @param {import("./model.js").RunModel} model
   * @param {{shown: (data: object) => void, failed: (error: Error) => void}} callbacks
   */
  constructor(model, { shown, failed }) {
    this.#model = model;
    this.#shown = shown;
    this.#failed = failed;
  }

  /** Asks for a policy's curve, once the typing rests. */
  ask(content) {
    this.stop();
    this.#content = content;
    this.#timer = setTimeout(() => this.#send(), REST);
  }

  /** Asks again where the present has moved on. */
  refresh(step) {
    const waiting = this.#timer !== null || this.#controller !== null;
    if (!this.#content || waiting || document.hidden) return;
    if (Math.abs(step - this.#at) >= Math.max(1, SHARE * this.#content.steps)) this.#send();
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#controller?.abort();
    this.#controller = null;
    this.#content = null;
  }

  async #send() {
    this.#timer = null;
    const controller = (this.#controller = new AbortController());
    this.#at = this.#model.status?.step ?? 0;
    try {
      const { data } = await this.#model.request("previewPolicy", this.#content, { signal: controller.signal });
      if (!controller.signal.aborted) this.#done(() => this.#shown(data));
    } catch (error) {
      if (!controller.signal.aborted) this.#done(() => this.#failed(error));
    }
  }

  #done(tell) {
    this.#controller = null;
    tell();
  }
}
