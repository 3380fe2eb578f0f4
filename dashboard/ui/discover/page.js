// Discover: which bundles there are, what they would show, need and cost, and their way into a training that is running.
import { fill, h, setText, show } from "../dom.js";
import { askedBundle, discoverPath, navigate, openRun } from "../navigate.js";
import { formatCount } from "../numbers.js";
import { button, refuse, Words } from "../shell/buttons.js";
import { bindKeys } from "../shell/keyboard.js";
import { closePopover } from "../shell/popover.js";
import { focusOn, skipLink } from "../shell/skip.js";
import { homeLink } from "../run/header.js";
import { RunModel } from "../run/model.js";
import { stateBadge } from "../run/states.js";
import { switchTheme } from "../theme.js";
import { Card } from "./card.js";
import { RunChoice } from "./run-choice.js";
import { Detail } from "./detail.js";
import { Elsewhere } from "./elsewhere.js";
import { ranView } from "./ran.js";
import { gather } from "./words.js";

const WAIT = 250; // ms after the last key before it is searched

/**
 * Shows the page in an element.
 *
 * @param {HTMLElement} element
 * @param {string} place - `run:` and the run's id, or `run:` alone for one to be chosen.
 * @returns {{destroy: () => void}}
 */
export function mountDiscoverPage(element, place) {
  const run = place.slice("run:".length);
  const page = run ? new DiscoverPage(element, run) : new RunChoice(element);
  return { destroy: () => page.destroy() };
}

class DiscoverPage {
  #model;
  #cards = new Map();
  #bundles = [];
  #detail = null;
  #asked = askedBundle();
  #timer = null;
  #number = 0;
  #searched = false;
  #off = [];
  #name = h("a", { class: "bv-run-link" });
  #state = h("span", { class: "bv-state-place" });
  #step = h("span", { class: "bv-fact bv-fact-step", "aria-label": "step" });
  #search;
  #again;
  #words = new Words();
  #count = h("span", { class: "bv-muted", role: "status" });
  #problems = h("ul", { class: "bv-plain bv-problems", "aria-label": "Places that gave nothing" });
  #empty = h("p", { class: "bv-empty" });
  #ran = h("div");
  #list = h("div", { class: "bv-cards", role: "region", "aria-label": "Bundles" });
  #more = h("button", { type: "button", class: "bv-link", text: "Where more come from", hidden: true, onclick: () => this.#elsewhere.reveal() });
  #elsewhere = new Elsewhere((name) => this.#look(name));
  #note = ""; // that no registry or folder is configured: told when everything is asked for
  #side = h("div", { class: "bv-detail-place", hidden: true });

  constructor(element, run) {
    this.#model = new RunModel(run);
    this.#search = h("input", {
      type: "search",
      class: "bv-search bv-discover-search",
      placeholder: "Search bundles  /",
      "aria-label": "Search bundles",
      oninput: () => this.#soon(),
      onkeydown: (event) => event.key === "Enter" && this.#find(),
    });
    this.#again = button("Look again", () => this.#find());
    this.root = h(
      "div",
      { class: "bv-page bv-discover-page" },
      skipLink("Skip to the content", () => focusOn(this.root.querySelector("main"))),
      this.#header(run),
      h("div", { class: "bv-row bv-discover-bar" }, this.#search, this.#again, this.#count, this.#more, this.#words.element),
      h(
        "main",
        { class: "bv-discover" },
        h("div", { class: "bv-discover-list" }, this.#problems, this.#empty, this.#ran, this.#list, h("p", { class: "bv-muted", text: MORE }), this.#elsewhere.element),
        this.#side,
      ),
    );
    element.replaceChildren(this.root);
    document.title = "Discover · BIDViz";
    const model = this.#model;
    for (const event of ["status", "catalogue", "connection"]) model.on(event, () => this.#draw());
    model.on("refused", (error) => this.#words.say(error.message, "bad"));
    this.#off = [
      bindKeys({
        "/": { text: "search", action: () => this.#search.focus() },
        Escape: { text: "close the details", action: () => this.#close() },
      }),
      onBack(() => this.#open(askedBundle(), false)),
    ];
    this.#draw();
  }

  destroy() {
    clearTimeout(this.#timer);
    closePopover(false);
    this.#off.forEach((off) => off());
    this.#cards.forEach((card) => card.destroy());
    this.#detail?.destroy();
    this.#model.close();
    this.root.remove();
  }

  #header(run) {
    this.#name.href = `/run/${encodeURIComponent(run)}`;
    this.#name.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      openRun(run);
    });
    const mark = () => h("span", { class: "bv-crumb-mark", "aria-hidden": "true", text: "▸" });
    return h(
      "header",
      { class: "bv-header" },
      h(
        "nav",
        { class: "bv-crumbs", "aria-label": "Where you are" },
        homeLink(() => navigate("/")),
        mark(),
        this.#name,
        mark(),
        h("h1", { class: "bv-run-name", text: "discover" }),
      ),
      this.#state,
      this.#step,
      h("span", { class: "bv-spring" }),
      button("Other run…", () => navigate("/discover"), { title: "Bundles are found and installed where a training runs: choose another one" }),
      button("Light or dark", switchTheme, { icon: "theme", bare: true }),
    );
  }

  #draw() {
    const { catalogue, status, run } = this.#model;
    setText(this.#name, catalogue?.run.name ?? run);
    fill(this.#state, stateBadge(status?.state ?? "unknown"));
    setText(this.#step, status ? `step ${formatCount(status.step)}` : "");
    const refusal = this.#model.refusal("tune");
    refuse(this.#again, refusal);
    this.#detail?.refuse();
    if (this.#searched || !catalogue || !status) return;
    if (refusal) this.#explain(refusal);
    else {
      this.#searched = true;
      this.#find();
    }
  }

  #explain(refusal) {
    const over = this.#model.status && !this.#model.live;
    setText(this.#empty, `${refusal} ${over ? "Bundles are found and installed where a training runs." : ""}`.trim());
    show(this.#empty, true);
    if (over) fill(this.#ran, ranView(this.#model.catalogue?.ran));
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#find(), WAIT);
  }

  #look(name) {
    this.#search.value = name;
    this.#search.focus();
    this.#find();
  }

  /** Searches; the answer to the last question counts, whichever comes last. */
  async #find() {
    clearTimeout(this.#timer);
    const refusal = this.#model.refusal("tune");
    if (refusal) {
      this.#explain(refusal);
      return;
    }
    const number = ++this.#number;
    const query = this.#search.value.trim();
    const answer = await this.#words.follow(
      (signal) =>
        Promise.all([
          this.#model.request("findBundles", { query }, { signal }),
          this.#model.request("listBundles", {}, { signal }),
        ]),
      { busy: "Looking at what is installed, in registries and folders…" },
    );
    if (number !== this.#number) return;
    if (!answer) {
      if (!this.#bundles.length) setText(this.#empty, "Nothing could be looked up; see above.");
      show(this.#empty, !this.#bundles.length);
      return;
    }
    const { bundles, problems } = gather(answer[0].data ?? [], answer[1].data ?? [], query);
    this.#show(bundles, problems, query);
    const [rows, listed] = answer.map(({ data }) => data ?? []);
    if (!query) this.#note = rows.map(({ note }) => note).find(Boolean) ?? "";
    show(this.#more, this.#elsewhere.update(this.#note, [...listed, ...rows].map(({ name }) => name), this.#model.catalogue?.checkout));
  }

  #show(bundles, problems, query) {
    this.#bundles = bundles;
    fill(this.#problems, problems.map((text) => h("li", { class: "bv-tone-warn", text: `⚠ ${text}` })));
    setText(this.#count, bundles.length ? `${formatCount(bundles.length)} ${bundles.length === 1 ? "bundle" : "bundles"}` : "");
    setText(this.#empty, query ? `Nothing fits “${query}”.` : EMPTY);
    show(this.#empty, !bundles.length);
    const names = new Set(bundles.map(({ name }) => name));
    for (const [name, card] of this.#cards) {
      if (names.has(name)) continue;
      card.destroy();
      card.element.remove();
      this.#cards.delete(name);
    }
    bundles.forEach((bundle, at) => {
      const card = this.#cards.get(bundle.name) ?? new Card(bundle, (name) => this.#open(name));
      if (this.#cards.has(bundle.name)) card.update(bundle);
      else this.#cards.set(bundle.name, card);
      if (this.#list.children[at] !== card.element) this.#list.insertBefore(card.element, this.#list.children[at] ?? null);
    });
    const open = bundles.find(({ name }) => name === this.#detail?.name);
    if (open) this.#detail.update(open);
    if (this.#asked) {
      const asked = this.#asked;
      this.#asked = "";
      this.#open(asked, false);
    }
  }

  /** Opens the details of a bundle; `""` closes them. */
  #open(name, tell = true) {
    const bundle = this.#bundles.find((one) => one.name === name);
    if (!bundle) {
      if (name) this.#words.say(`There is no bundle ${name} here.`, "warn");
      this.#close(tell);
      return;
    }
    this.#detail?.destroy();
    this.#detail = new Detail(this.#model, bundle, { close: () => this.#close(), changed: () => this.#find() });
    fill(this.#side, this.#detail.element);
    this.#side.scrollTop = 0;
    show(this.#side, true);
    this.root.classList.add("bv-with-detail");
    this.#detail.focus();
    for (const [key, card] of this.#cards) card.element.toggleAttribute("data-open", key === name);
    if (tell) navigate(discoverPath(this.#model.run, name));
  }

  #close(tell = true) {
    if (!this.#detail) return;
    const card = this.#cards.get(this.#detail.name);
    this.#detail.destroy();
    this.#detail = null;
    show(this.#side, false);
    this.root.classList.remove("bv-with-detail");
    card?.element.removeAttribute("data-open");
    card?.element.querySelector("button")?.focus({ preventScroll: true });
    if (tell) navigate(discoverPath(this.#model.run));
  }
}

const MORE =
  "Here is what is installed, and what the registries and folders that are configured offer. Any bundle is found by its full name as well.";
const EMPTY =
  "No bundle is installed where this training runs, and none is on offer. Below is where more come from; a bundle is installed from its name, a folder or a wheel on the run's page as well.";

function onBack(action) {
  window.addEventListener("popstate", action);
  return () => window.removeEventListener("popstate", action);
}
