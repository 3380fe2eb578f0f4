// The metric editor: code, names, examples, chart, cadence; try it, then add it or save it.
import { h, setText } from "../dom.js";
import { formatCount } from "../numbers.js";
import { button, refuse, Words } from "../shell/buttons.js";
import { ChartChoice } from "./charts-choice.js";
import { CodeEditor } from "./code.js";
import { metricCompletion } from "./completion.js";
import { EXAMPLES } from "./examples.js";
import { suggestName } from "./naming.js";
import { scopeList } from "./scope.js";
import { Trial } from "./trial.js";

/** What was typed and not yet added stays while the page is open, by the name of the metric it belongs to. */
const drafts = new Map();

/** The editor of a new metric, or of one that exists. Give it to a drawer. */
export class MetricEditor {
  key;
  title;
  #model;
  #metric;
  #code;
  #name;
  #every;
  #chart;
  #where;
  #trial = new Trial();
  #words = new Words();
  #try;
  #save;
  #named;
  #onAdded;
  #off = [];
  #told = ""; // the failure that was shown last
  #tried = ""; // the name under which it was tried last
  #failed = null; // the code that failed when it was tried
  #done = ""; // what the last save came to

  /**
   * @param {import("../run/model.js").RunModel} model
   * @param {object|null} metric - the metric to edit; null for a new one.
   * @param {(name: string) => void} onAdded
   */
  constructor(model, metric, onAdded) {
    this.#model = model;
    this.#metric = metric;
    this.#onAdded = onAdded;
    this.#named = Boolean(metric);
    this.key = `metric:${metric?.name ?? ""}`;
    this.title = metric ? `Metric ${metric.name}` : "New metric";
    const draft = drafts.get(this.key);
    const readOnly = Boolean(model.refusal("code"));
    this.#code = new CodeEditor({
      code: draft?.code ?? metric?.code ?? "",
      readOnly,
      onChange: (code) => this.#typed(code),
      onTry: () => this.#tryIt(),
      onSave: () => this.#saveIt(),
      complete: readOnly ? undefined : metricCompletion(model),
    });
    this.#name = h("input", {
      type: "text",
      value: draft?.name ?? metric?.name ?? "",
      placeholder: "name",
      spellcheck: "false",
      autocomplete: "off",
      readonly: Boolean(metric),
      title: metric ? "A metric keeps its name, for its history is kept under it." : null,
      oninput: () => (this.#named = Boolean(this.#name.value)),
    });
    this.#every = h("input", {
      type: "number",
      min: "1",
      step: "1",
      value: String(draft?.every ?? metric?.every ?? 1),
    });
    this.#chart = new ChartChoice(metric?.charts, () => {});
    this.#where = h(
      "select",
      { "aria-label": "Where it runs" },
      h("option", { value: "training", text: "in the training" }),
      h("option", { value: "worker", text: "in the worker, over a copy" }),
    );
    this.#where.value = draft?.where ?? metric?.where ?? "training";
    this.#where.title =
      "In the training: at the step boundary, with everything at hand; training waits for it. In the worker: a process of its own, over a copy of what it names; training goes on.";
    this.#try = button("Try", () => this.#tryIt(), { key: "Ctrl-Enter" });
    this.#save = button(metric ? "Save" : "Add", () => this.#saveIt(), { primary: true, key: "Ctrl-S" });
    this.element = this.#layOut(readOnly);
    for (const event of ["status", "catalogue", "connection"]) this.#off.push(model.on(event, () => this.#refuse()));
    this.#off.push(model.on("catalogue", () => this.#look()));
    this.#refuse();
    this.#look();
  }

  focus() {
    this.#code.focus();
  }

  destroy() {
    this.#keepDraft();
    this.#off.forEach((off) => off());
    this.#trial.clear();
    this.#code.destroy();
  }

  #layOut(readOnly) {
    const names = this.#model.catalogue?.arguments ?? [];
    const examples = h(
      "div",
      { class: "bv-chips", role: "group", "aria-label": "Examples" },
      EXAMPLES.map((example) =>
        h("button", {
          type: "button",
          class: "bv-chip",
          text: example.title,
          onclick: () => this.#takeExample(example),
        }),
      ),
    );
    return h(
      "div",
      { class: "bv-editor", onkeydown: (event) => this.#onKey(event) },
      this.#metric && h("p", { class: "bv-muted", text: originText(this.#metric) }),
      h("p", { class: "bv-hint", text: "An expression, a body that returns, or a module with one @metric function." }),
      h("div", { class: "bv-code-frame" }, this.#code.element),
      !readOnly &&
        !this.#metric &&
        h("details", { class: "bv-fold", open: true }, h("summary", { text: "Examples" }), examples),
      h(
        "div",
        { class: "bv-form" },
        field("Name", this.#name),
        field("Chart", this.#chart.element),
        field("Every", this.#every, "steps"),
        field("Runs", this.#where),
      ),
      h("div", { class: "bv-row bv-actions" }, this.#try, this.#save, this.#words.element),
      this.#trial.element,
      scopeList(names, (name) => !readOnly && this.#code.insert(name)),
      h("p", { class: "bv-hint", text: "Tab indents; Escape, then Tab, leaves the code." }),
    );
  }

  #typed(code) {
    this.#code?.clearError?.();
    // A metric that is there keeps its name: only a new one is called after its code.
    if (!this.#named && !this.#metric && this.#name) {
      this.#name.value = suggestName(code, (name) => Boolean(this.#model.metric(name)));
    }
  }

  /** The editor's keys hold in the whole drawer. */
  #onKey(event) {
    if (event.defaultPrevented || !(event.ctrlKey || event.metaKey)) return;
    const action = { Enter: () => this.#tryIt(), s: () => this.#saveIt() }[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  }

  #takeExample(example) {
    this.#named = false;
    this.#code.code = example.code;
    this.#name.value = suggestName(`@metric\ndef ${example.name}()`, (name) => Boolean(this.#model.metric(name)));
    this.#named = true;
    this.#every.value = String(example.every ?? 1);
    this.#chart.choose(example.chart ?? null);
    this.#trial.clear();
    this.#code.focus();
  }

  #content() {
    return {
      run: this.#model.run,
      name: this.#name.value.trim(),
      code: this.#code.code,
      every: Number(this.#every.value),
      chart: this.#chart.spec,
      where: this.#where.value,
    };
  }

  /** Whether a metric can run as often as is asked for; says what is wrong where it cannot. */
  #mayRun({ every }) {
    if (Number.isInteger(every) && every >= 1) return true;
    this.#words.say(`Every how many steps? A whole number from 1, got ${this.#every.value || "nothing"}.`, "warn");
    this.#every.focus();
    return false;
  }

  async #tryIt() {
    const reason = this.#model.refusal("code");
    if (reason) {
      this.#words.say(reason, "warn");
      return;
    }
    const content = this.#content();
    if (!this.#mayRun(content)) return;
    content.name ||= "trial";
    this.#code.clearError();
    this.#failed = null;
    const failed = (error) => {
      this.#showError(error);
      this.#failed = content.code;
      return "";
    };
    const reply = await this.#words.follow((signal) => this.#model.request("tryMetric", content, { signal }), {
      busy: "Runs at the next step…",
      failed,
    });
    if (!reply) return;
    this.#tried = content.name;
    this.#trial.showResult(reply.data, { every: content.every, spec: content.chart });
  }

  async #saveIt() {
    const reason = this.#model.refusal("code");
    if (reason) {
      this.#words.say(reason, "warn");
      return;
    }
    const content = this.#content();
    if (!content.name) {
      this.#words.say("Give it a name first.", "warn");
      this.#name.focus();
      return;
    }
    if (!this.#mayRun(content)) return;
    if (content.code === this.#failed) {
      this.#failed = null; // asked once: whoever presses again means it
      const again = this.#metric ? "Save again to save it" : "Add again to add it";
      this.#words.say(`It failed when it was tried: see below. Press ${again} all the same.`, "warn");
      return;
    }
    const method = this.#metric ? "replaceMetric" : "addMetric";
    const [verb, told] = [this.#metric ? "Saved" : "Added", this.#told];
    const failed = (error) => {
      this.#showError(error);
      return this.#metric ? "Not saved: see below." : "Not added: see below.";
    };
    const reply = await this.#words.follow((signal) => this.#model.request(method, content, { signal }), {
      busy: "Takes hold at the next step…",
      done: ({ data, step }) =>
        `${doneText(verb, step)}. ${data?.note || "It runs from the next step on."}`,
      failed,
    });
    if (!reply) return;
    drafts.delete(this.key);
    // The result of a trial under another name would speak of a metric that there is not.
    if ((reply.data?.name ?? content.name) !== this.#tried) this.#trial.clear();
    const name = reply.data?.name ?? content.name;
    if (!this.#metric) {
      this.#metric = this.#model.metric(name) ?? { ...content, name, charts: content.chart ? [content.chart] : [] };
      this.key = `metric:${name}`;
      this.#name.readOnly = true;
      setText(this.#save.querySelector("span"), "Save");
    }
    this.#metric = { ...this.#metric, code: content.code };
    this.#done = doneText(verb, reply.step);
    this.#look();
    const failure = this.#model.metric(name)?.failure;
    if (failure && this.#told !== told) this.#sayAside(failure); // it failed before the answer came
    this.#onAdded(name);
  }

  #showError(error) {
    this.#code.markError(error);
    this.#trial.showError(error);
  }

  /** Shows why the metric was set aside, as soon as it is: what was said when it was added is not true any more. */
  #look() {
    const failure = this.#metric && (this.#model.metric(this.#metric.name) ?? this.#metric).failure;
    const mark = failure ? `${failure.step} ${failure.message}` : "";
    if (mark && mark !== this.#told) {
      this.#told = mark;
      this.#showFailure(failure);
      if (this.#done) this.#sayAside(failure);
    }
  }

  #sayAside({ step }) {
    this.#words.say(`${this.#done}. Set aside at step ${formatCount(step)}: see below.`, "bad");
  }

  #showFailure(failure) {
    this.#code.markError(failure);
    this.#trial.showError({
      ...failure,
      message: `Set aside at step ${formatCount(failure.step)}: ${failure.message}`,
    });
  }

  #refuse() {
    const reason = this.#model.refusal("code");
    refuse(this.#try, reason);
    refuse(this.#save, reason);
  }

  #keepDraft() {
    const { code, every, where } = this.#content();
    if (code.trim() && code !== (this.#metric?.code ?? ""))
      drafts.set(this.key, { code, every, where, name: this.#name.value });
    else drafts.delete(this.key);
  }
}

/** What a save came to (`"Added at step 12"`). */
function doneText(verb, step) {
  return `${verb}${step === null ? "" : ` at step ${formatCount(step)}`}`;
}

function field(label, control, after) {
  return h(
    "label",
    { class: "bv-field" },
    h("span", { text: label }),
    control,
    after && h("span", { class: "bv-muted", text: after }),
  );
}

function originText(metric) {
  const from =
    { "built-in": "Built in.", script: "Came with the script.", person: "Added on a page." }[metric.origin] ??
    `From the bundle ${metric.origin}.`;
  return [from, metric.help].filter(Boolean).join(" ");
}
