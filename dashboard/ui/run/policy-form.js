// What a policy is, as fields: target, formula or named policy with its parameters, mode, bounds, how far to look ahead.
import { withCode } from "../code-words.js";
import { fill, h, setText, show } from "../dom.js";
import { CodeEditor } from "../editor/code.js";
import { scopeList } from "../editor/scope.js";
import { formulaCompletion, formulaNames, readsMetrics, wordEnd } from "./formula-scope.js";
import { PolicyParameters } from "./policy-parameters.js";
import { parseValue } from "./scales.js";
import { factorWords, isNumeric, isOffered, isScalable, policyOf } from "./steered.js";

const AHEAD = [
  ["100", 100],
  ["1 000", 1000],
  ["10 000", 10_000],
  ["100 000", 100_000],
];

/** The formulas that were typed and not armed, by target, while the page is open. */
const drafts = new Map();

/** The fields; `change` is called whenever they would give another policy. */
export class PolicyForm {
  #model;
  #actions;
  #target;
  #kind;
  #code;
  #parameters;
  #mode;
  #low = boundInput("Least");
  #high = boundInput("Greatest");
  #ahead;
  #logScale;
  #help = h("p", { class: "bv-hint" });
  #frame;
  #modeField;
  #aimed = false; // a person chose the target
  #loaded = ""; // the fields as they were filled in: what differs from them a person has typed
  #ready = false; // the fields stand: changes are told from now on
  elements;
  scope = h("div");

  constructor(model, target, actions) {
    this.#model = model;
    this.#actions = actions;
    const changed = () => this.#ready && actions.change();
    const targets = model.hyperparameters.filter((info) => isNumeric(info) && !info.settable);
    this.#target = select("Target", targets.map(({ name }) => [name, name]), () => {
      this.#aimed = true;
      this.#load();
    });
    this.#aimed = Boolean(target);
    if (target && ![...this.#target.options].some((option) => option.value === target))
      this.#target.append(h("option", { value: target, text: target }));
    this.#target.value = target || firstTarget(targets, model.policies);
    const offered = model.policies.filter(isOffered);
    this.#kind = select("Rule", [["a formula", ""], ...offered.map(({ policy }) => [policy.replaceAll("_", " "), policy])], () => this.#choose());
    this.#mode = select("Mode", [["sets it", "override"], ["× scheduler", "scale"]], changed);
    this.#ahead = select("Steps ahead", AHEAD, changed);
    this.#ahead.value = "1000";
    this.#logScale = h("input", { type: "checkbox", onchange: changed });
    for (const bound of [this.#low, this.#high]) bound.addEventListener("input", changed);
    this.#parameters = new PolicyParameters(changed);
    this.#code = new CodeEditor({
      code: "",
      onChange: changed,
      onTry: actions.dryRun,
      onSave: actions.arm,
      complete: formulaCompletion(model, () => this.target),
      label: "Formula",
      hint: "0.1 * 0.5 ** (step / 1000)",
      above: true,
    });
    this.#frame = h("div", { class: "bv-code-frame bv-formula" }, this.#code.element);
    this.#modeField = field("Mode", this.#mode);
    this.elements = this.#layOut();
    this.#load(true);
    this.#ready = true;
  }

  get target() {
    return this.#target.value;
  }

  get steps() {
    return Number(this.#ahead.value);
  }

  get log() {
    return this.#logScale.checked;
  }

  /** Whether a dry run over the history says more than the curve to come. */
  get readsMetrics() {
    if (this.#kind.value) return false;
    return readsMetrics(this.#code.code, this.#model.catalogue?.series ?? {});
  }

  /** @returns {{content?: object, problem?: string}} `{}` where nothing was typed yet. */
  read() {
    const named = this.#kind.value;
    const formula = named ? "" : this.#code.code.trim();
    if (!this.target) return { problem: "There is no hyperparameter that a policy could set." };
    if (!named && !formula) return {};
    const parameters = named ? this.#parameters.read() : { value: {} };
    const low = bound(this.#low);
    const high = bound(this.#high);
    const wrong = [parameters, low, high].find((one) => one.problem);
    if (wrong) return { problem: wrong.problem };
    const content = {
      target: this.target,
      formula,
      policy: named,
      parameters: parameters.value,
      mode: this.#modeField.hidden ? "override" : this.#mode.value,
      low: low.value,
      high: high.value,
      steps: this.steps,
    };
    return { content };
  }

  /** Marks the place of an error in the formula; gives the words for it. */
  showError(error) {
    if (this.#kind.value || !error.column) {
      this.#code.clearError();
      return error.message;
    }
    const text = this.#code.code;
    const column = error.column + (text.length - text.trimStart().length);
    this.#code.markError({ line: 1, column, end_column: wordEnd(text, column), message: error.message });
    return `${error.message} (character ${column})`;
  }

  clearError() {
    this.#code.clearError();
  }

  /** A policy that is not armed yet begins at the present step, unless a person has put another. */
  beginNow() {
    this.#parameters.beginAt(this.#model.step);
  }

  /** It is in force now: there is no draft any more. */
  armed() {
    drafts.delete(this.target);
    this.#parameters.armed();
    this.#loaded = this.#filledIn();
  }

  focus() {
    if (this.#kind.value) this.#kind.focus();
    else this.#code.focus();
  }

  destroy() {
    this.#keepDraft();
    this.#code.destroy();
  }

  #layOut() {
    const rule = h(
      "div",
      { class: "bv-policy-fields" },
      h("div", { class: "bv-form bv-policy-top" }, field("Target", this.#target), field("Rule", this.#kind)),
      this.#frame,
      this.#parameters.element,
      this.#help,
    );
    const rest = h(
      "div",
      { class: "bv-policy-fields" },
      h(
        "div",
        { class: "bv-form bv-policy-form" },
        field("Least", this.#low),
        field("Greatest", this.#high),
        field("Steps ahead", this.#ahead),
        this.#modeField,
        h("label", { class: "bv-field" }, h("span", { text: "Log scale" }), this.#logScale),
      ),
    );
    return [rule, rest];
  }

  /** Shows the policy on the target that is chosen, or what was typed for it; what is typed in the fields stays. */
  #load(first = false) {
    const { target } = this;
    const armed = policyOf(this.#model.policies, target);
    const info = this.#model.hyperparameters.find((one) => one.name === target);
    const draft = drafts.get(target);
    const typed = !first && this.#filledIn() !== this.#loaded;
    if (first || (armed && !typed)) {
      this.#kind.value = armed?.policy ?? "";
      if (this.#kind.value === "" && armed?.policy) this.#keepOffer(armed.policy);
      this.#code.code = draft ?? armed?.formula ?? "";
      this.#mode.value = armed?.mode || "override";
      this.#low.value = armed?.low ?? "";
      this.#high.value = armed?.high ?? "";
      this.#showParameters(armed?.parameters);
      this.#loaded = draft === undefined ? this.#filledIn() : ""; // a draft was typed, though not just now
    }
    const scalable = armed?.mode === "scale" || (info && isScalable(info));
    show(this.#modeField, Boolean(scalable));
    if (info) setText(this.#mode.options[1], factorWords(info.scheduled));
    this.#choose();
  }

  /** A named policy that is armed, and no longer on offer (its bundle was unloaded). */
  #keepOffer(policy) {
    this.#kind.append(h("option", { value: policy, text: policy }));
    this.#kind.value = policy;
  }

  #choose() {
    const named = this.#kind.value;
    show(this.#frame, !named);
    show(this.#parameters.element, Boolean(named));
    const offer = this.#model.policies.find((one) => isOffered(one) && one.policy === named);
    if (named && this.#parameters.element.dataset.policy !== named) {
      this.#showParameters();
      this.#aim(offer?.inputs[0]);
    }
    fill(this.#help, named ? withCode([offer?.help, offer?.origin].filter(Boolean).join(" — ")) : []);
    show(this.#help, Boolean(this.#help.textContent));
    const names = formulaNames(this.#model, this.target);
    fill(
      this.scope,
      named
        ? []
        : scopeList(
            names.map(({ label, detail, info }) => ({
              name: label + (detail.startsWith("(") ? detail : ""),
              help: detail && !detail.startsWith("(") ? `${detail}: ${info}` : info,
            })),
            (shown) => this.#code.insert(names.find(({ label, detail }) => label + (detail.startsWith("(") ? detail : "") === shown)?.apply ?? shown),
            { always: [], open: false },
          ),
    );
    if (this.#ready) this.#actions.change();
  }

  /** A named policy says what it was made for: that is taken, unless a person chose. */
  #aim(target) {
    if (this.#aimed || ![...this.#target.options].some((option) => option.value === target)) return;
    this.#target.value = target;
  }

  #showParameters(given) {
    const named = this.#kind.value;
    const offer = this.#model.policies.find((one) => isOffered(one) && one.policy === named);
    this.#parameters.element.dataset.policy = named;
    this.#parameters.show(offer?.parameters ?? given ?? {}, given, offer?.parameter_help, this.#model.step);
  }

  #filledIn() {
    const { value: named } = this.#kind;
    const rule = named ? this.#parameters.texts() : this.#code.code.trim();
    return JSON.stringify([named, rule, this.#low.value, this.#high.value]);
  }

  #keepDraft() {
    const armed = policyOf(this.#model.policies, this.target);
    const code = this.#code.code.trim();
    if (code && code !== (armed?.formula ?? "")) drafts.set(this.target, code);
    else drafts.delete(this.target);
  }
}

/** What a new policy is for, where nobody says: lr, or else the first that is under none, nor all its groups together. */
function firstTarget(targets, policies) {
  const names = targets.map(({ name }) => name).sort((one, other) => (other === "lr") - (one === "lr"));
  const free = (name) => !policyOf(policies, name) && !policyOf(policies, name.replace(/\[.*$/, ""));
  return names.find(free) ?? names[0] ?? "";
}

function bound(input) {
  return input.value.trim() ? parseValue(input.value) : { value: null };
}

function boundInput(label) {
  return h("input", { type: "text", inputmode: "decimal", class: "bv-number", placeholder: "–", "aria-label": label, autocomplete: "off" });
}

function select(label, options, choose) {
  return h(
    "select",
    { "aria-label": label, onchange: choose },
    options.map(([text, value]) => h("option", { value: String(value), text })),
  );
}

function field(label, control) {
  return h("label", { class: "bv-field" }, h("span", { text: label }), control);
}
