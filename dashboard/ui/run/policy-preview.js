// The curve to come, asked for as a person types: one request at a time, the former one given up.
// The training waits while it is computed, so a curve reaches beyond what is drawn of it, and lasts for a while.

const REST = 150; // ms without a key before it is asked
const SHARE = 0.25; // of the steps that are drawn, which the present passes before it is asked anew …
const LASTS = 10; // … or the steps of so many seconds, where those are more
const FARTHEST = 20_000; // what has to be run step by step is run so far: no more is asked for than is drawn, or this

/** Asks `previewPolicy`; the answers come to the callbacks. */
export class Preview {
  #model;
  #shown;
  #failed;
  #content = null;
  #timer = null;
  #controller = null;
  #at = 0; // the step when it was asked last
  #lasts = 0; // so many steps from there on

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

  /**
   * Asks again where the present has moved far on, or back.
   *
   * @param {number} step - the present one.
   * @param {() => object} [renewed] - gives the policy as it then is: it may begin at the present step.
   */
  refresh(step, renewed = () => this.#content) {
    const waiting = this.#timer !== null || this.#controller !== null;
    if (!this.#content || waiting) return;
    if (step >= this.#at && step - this.#at < this.#lasts) return;
    this.#content = renewed() ?? this.#content;
    this.#send();
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
    const { step = 0, speed } = this.#model.status ?? {};
    const drawn = this.#content.steps;
    this.#at = step;
    this.#lasts = Math.ceil(Math.max(1, SHARE * drawn, LASTS * (speed || 0)));
    const steps = Math.max(drawn, Math.min(drawn + this.#lasts, FARTHEST));
    try {
      const { data } = await this.#model.request("previewPolicy", { ...this.#content, steps }, { signal: controller.signal });
      if (controller.signal.aborted) return;
      const reach = (data?.step?.at(-1) ?? step + steps) - step; // where it is run step by step it may be shorter
      this.#lasts = Math.max(1, Math.min(this.#lasts, Math.max(reach - drawn, Math.floor(reach / 2))));
      this.#done(() => this.#shown(data));
    } catch (error) {
      if (!controller.signal.aborted) this.#done(() => this.#failed(error));
    }
  }

  #done(tell) {
    this.#controller = null;
    tell();
  }
}
