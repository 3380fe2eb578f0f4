// The row of tools over the panels.
import { h, setText, setTitle } from "../dom.js";
import { GLOSSARY } from "../charts/mark-kinds.js";
import { formatCount } from "../numbers.js";
import { button, refuse } from "../shell/buttons.js";

const WINDOWS = [
  ["whole history", ""],
  ["last 100 steps", 100],
  ["last 1 000", 1000],
  ["last 10 000", 10_000],
  ["last 100 000", 100_000],
];
const AXES = [
  ["step", "step"],
  ["time", "time"],
  ["epoch", "epoch"],
];

const UNCOUNTED =
  "Nothing counts this run's epochs: call session.epoch_done() after each pass over the data, or iterate with session.batches(loader, epochs)";
const MARKS = `Marks of changes on the charts: point at one for who changed what, and when. Its colour is its author's; a number stands for several changes, and the pale band beside it is from the first of them to the last.\n${GLOSSARY}`;

/** Tools; those that need the code right say why when they are refused. */
export class Toolbar {
  #model;
  #arrangement;
  #code = [];
  #find;
  #whatIf;
  #window;
  #axis;
  #marks;
  #smooth;
  #smoothText = h("output", { class: "bv-number" });
  search;

  /**
   * @param {import("./model.js").RunModel} model
   * @param {import("./arrangement.js").Arrangement} arrangement
   * @param {Record<"metric"|"panel"|"discover"|"pages"|"install"|"bundles"|"metrics"|"files"|"console"|"checkpoints"|"whatIf", (anchor?: HTMLElement) => void>} actions
   * @param {(text: string, jump: boolean) => void} find
   */
  constructor(model, arrangement, actions, find) {
    this.#model = model;
    this.#arrangement = arrangement;
    this.#find = find;
    const metric = button("+ Metric", actions.metric, { primary: true, key: "m" });
    const install = button("Install…", actions.install);
    const bundles = button("Bundles", actions.bundles);
    const pages = button("Pages", () => actions.pages(pages));
    pages.setAttribute("aria-haspopup", "menu");
    const files = button("Save / load", () => actions.files(files));
    files.setAttribute("aria-haspopup", "menu");
    this.#whatIf = button("What if", actions.whatIf);
    const consoleButton = button("Console", actions.console, { key: "`" });
    this.#code = [metric, install, consoleButton];
    this.#window = select("Window", WINDOWS, (value) =>
      arrangement.chooseForAll({ window: value === "" ? null : Number(value) }),
    );
    this.#axis = select("x axis", AXES, (value) => arrangement.chooseForAll({ x: value }));
    this.#axis.classList.add("bv-axis"); // as wide as what is chosen, not as the reason why something cannot be
    this.#smooth = h("input", {
      type: "range",
      min: "0",
      max: "0.99",
      step: "0.01",
      "aria-label": "Smoothing of all panels",
      oninput: () => this.#showSmooth(Number(this.#smooth.value)),
      onchange: () => arrangement.chooseForAll({ smooth: Number(this.#smooth.value) }),
    });
    this.#marks = h("input", {
      type: "checkbox",
      onchange: () => arrangement.chooseForAll({ marks: this.#marks.checked ? undefined : false }),
    });
    this.search = h("input", {
      type: "search",
      class: "bv-search",
      placeholder: "Find a panel  /",
      "aria-label": "Find a panel",
      "aria-keyshortcuts": "/",
      oninput: () => find(this.search.value, false),
      onkeydown: (event) => {
        if (event.key === "Enter") {
          event.preventDefault(); // the button that gets the keyboard is not pressed by the same stroke
          find(this.search.value, true);
        }
        if (event.key === "Escape") {
          this.endSearch();
          this.search.blur();
        }
      },
    });
    this.element = h(
      "div",
      { class: "bv-toolbar", role: "toolbar", "aria-label": "Tools" },
      h(
        "div",
        { class: "bv-row" },
        metric,
        button("+ Panel", actions.panel),
        button("Discover", actions.discover),
        install,
        bundles,
        button("Metrics", actions.metrics),
        pages,
        files,
      ),
      h(
        "div",
        { class: "bv-row" },
        labelled("window", this.#window),
        labelled("x", this.#axis),
        h("label", { class: "bv-field", title: MARKS }, this.#marks, h("span", { text: "marks" })),
        h("label", { class: "bv-field" }, h("span", { text: "smooth" }), this.#smooth, this.#smoothText),
      ),
      h("span", { class: "bv-spring" }),
      h(
        "div",
        { class: "bv-row" },
        this.search,
        this.#whatIf,
        button("Checkpoints", actions.checkpoints),
        consoleButton,
      ),
    );
    for (const event of ["status", "catalogue", "connection"]) model.on(event, () => this.#draw());
    arrangement.on("change", () => this.#draw());
    this.#draw();
  }

  /** No panel is looked for any more: none is dimmed. */
  endSearch() {
    if (!this.search.value) return;
    this.search.value = "";
    this.#find("", false);
  }

  #draw() {
    const reason = this.#model.refusal("code");
    this.#code.forEach((element) => refuse(element, reason));
    refuse(this.#whatIf, this.#model.refusal("tune"));
    const { window: steps, x, smooth, marks } = this.#arrangement.view;
    this.#marks.checked = marks !== false;
    chooseOption(this.#window, steps ?? "", steps ? `last ${formatCount(steps)} steps` : "");
    chooseOption(this.#axis, x ?? "step", "");
    this.#offerEpochs("epoch" in (this.#model.catalogue?.series ?? {}));
    if (document.activeElement !== this.#smooth) this.#smooth.value = String(smooth ?? 0);
    this.#showSmooth(Number(this.#smooth.value));
  }

  /** Where nothing counts epochs there are none to draw over: greyed, with the way to have them. */
  #offerEpochs(counted) {
    const option = [...this.#axis.options].find(({ value }) => value === "epoch");
    option.disabled = !counted;
    setText(option, counted ? "epoch" : "epoch (nothing counts them)");
    for (const element of [option, this.#axis]) setTitle(element, counted ? "" : UNCOUNTED);
  }

  #showSmooth(value) {
    setText(this.#smoothText, value ? value.toFixed(2) : "off");
  }
}

function labelled(text, control) {
  return h("label", { class: "bv-field" }, h("span", { text }), control);
}

function select(label, options, choose) {
  return h(
    "select",
    { "aria-label": label, onchange: (event) => choose(event.target.value) },
    options.map(([text, value]) => h("option", { value: String(value), text })),
  );
}

function chooseOption(element, value, text) {
  const wanted = String(value);
  if (![...element.options].some((option) => option.value === wanted))
    element.append(h("option", { value: wanted, text }));
  if (element.value !== wanted) element.value = wanted;
}
