// The bundles of the training's environment and of the run itself: load, unload, renew.
import { fill, h } from "../dom.js";
import { button, refuse, Words } from "../shell/buttons.js";
import { Clamped } from "../shell/clamped.js";
import { makeWay, ofNoUse } from "../discover/in-the-way.js";
import { isGone, waitingOf } from "../discover/words.js";
import { openDiscover } from "../navigate.js";

/** The list of bundles, for a drawer. */
export class BundleList {
  key = "bundles";
  title = "Bundles";
  #list = h("div", { class: "bv-list" });
  #words = new Words();
  #model;
  #off;
  #install;
  #again;
  #acts = []; // the buttons of the rows
  #drawn = ""; // the rows as they were told last
  element;

  /**
   * @param {import("./model.js").RunModel} model
   * @param {() => void} install - opens the installer.
   */
  constructor(model, install) {
    this.#model = model;
    this.#words.element.classList.add("bv-words-kept");
    this.#install = button("Install…", install);
    this.#again = button("Look again", () => this.#load());
    this.element = h(
      "div",
      null,
      h("p", {
        class: "bv-muted",
        text: "Bundles are packages with metrics and charts. They are loaded and unloaded while the training runs.",
      }),
      h(
        "div",
        { class: "bv-row" },
        button("Discover", () => openDiscover(model.run), { primary: true }),
        this.#install,
        this.#again,
      ),
      this.#words.element,
      this.#list,
    );
    this.#off = [
      model.on("catalogue", () => this.#lookAgain()), // something came, went or was upgraded, perhaps elsewhere
      ...["status", "connection"].map((event) => model.on(event, () => this.#refuse())),
    ];
    this.#load();
  }

  destroy() {
    this.#off.forEach((off) => off());
  }

  /** Only the training itself can say what is installed where it runs. */
  #refuse() {
    const [looking, code] = [this.#model.refusal("view"), this.#model.refusal("code")];
    refuse(this.#again, looking);
    refuse(this.#install, code);
    this.#acts.forEach(([element, reason]) => refuse(element, code || reason()));
    return looking;
  }

  async #load() {
    const reason = this.#refuse();
    if (reason) {
      this.#words.say(reason, "warn");
      return;
    }
    const reply = await this.#words.follow((signal) => this.#model.request("listBundles", {}, { signal }), {
      busy: "Looking into the training's environment…",
    });
    if (reply) this.#draw(rowsOf(reply));
  }

  /** As `#load`, without a word: nobody asked. */
  async #lookAgain() {
    if (this.#model.refusal("view")) return;
    try {
      this.#draw(rowsOf(await this.#model.request("listBundles", {})));
    } catch {
      // The rows stay as they are, and “Look again” says what is wrong.
    }
  }

  #draw(bundles) {
    const rows = JSON.stringify(bundles);
    if (rows === this.#drawn) return; // whoever is at a button stays there
    this.#drawn = rows;
    this.#acts = [];
    fill(
      this.#list,
      bundles.length
        ? bundles.map((bundle) => this.#row(bundle))
        : h("p", { class: "bv-muted", text: "None is installed there." }),
    );
  }

  #row(bundle) {
    const act = (label, method, said, reason = () => "") => {
      const element = button(label, () => this.#act(method, bundle.name, said));
      element.setAttribute("aria-label", `${label} ${label.includes(" ") ? "of " : ""}${bundle.name}`);
      refuse(element, this.#model.refusal("code") || reason());
      this.#acts.push([element, reason]);
      return element;
    };
    const loaded = bundle.state === "loaded";
    const waiting = loaded ? waitingOf(bundle) : null;
    const gone = isGone(bundle);
    return h(
      "article",
      { class: "bv-item", "aria-label": bundle.name },
      h(
        "header",
        null,
        h("strong", { text: bundle.name }),
        h("span", { class: "bv-muted", text: [bundle.distribution !== bundle.name && bundle.distribution, bundle.version].filter(Boolean).join(" ") }),
        h("span", {
          class: `bv-tag bv-tone-${{ loaded: "good", failed: "bad" }[bundle.state] ?? "accent"}`,
          text: bundle.state,
        }),
      ),
      waiting && h("p", { class: "bv-tone-accent", text: `${waiting.text}.` }),
      gone && h("p", { class: "bv-tone-accent", text: "It still runs, but is not installed any more: once unloaded, it cannot be loaded again." }),
      // What a bundle leaves out, because it has nothing for this model, is no failure.
      bundle.error && told(bundle.error, bundle.state === "failed" ? "bv-tone-bad" : "bv-muted"),
      bundle.hash &&
        h("p", { class: "bv-muted bv-code", text: `code ${bundle.hash.slice(0, 12)}`, title: bundle.hash }),
      h(
        "div",
        { class: "bv-row" },
        loaded
          ? [
              waiting && act(waiting.label, "reloadBundle", `loaded in version ${bundle.installed}`),
              act("Unload", "unloadBundle", "unloaded: its metrics and charts are gone"),
              waiting || gone ? null : act("Reload", "reloadBundle", "reloaded with its newest code"),
            ]
          : act("Load", "loadBundle", "loaded", () => ofNoUse(bundle, this.#model.catalogue?.metrics ?? [])),
        makeWay(this.#model, bundle.error, this.#words, () => this.#act(loaded ? "reloadBundle" : "loadBundle", bundle.name, "loaded")),
      ),
    );
  }

  async #act(method, name, said) {
    const reply = await this.#words.follow((signal) => this.#model.request(method, { name }, { signal }), {
      busy: "At the next step…",
      done: () => `${name} is ${said}.`,
    });
    if (reply) {
      const text = `${name} is ${said}. ${reply.data?.error ?? ""}`.trim();
      await this.#load();
      this.#words.say(text, "good");
    }
  }
}

/** The bundles of an answer, without those that only find and install others: they bring a run nothing to load for. */
function rowsOf({ data }) {
  const all = Array.isArray(data) ? data : (data?.bundles ?? []);
  return all.filter(({ serves, state }) => !serves || state === "failed");
}

/** What may be long, as four lines and the rest when it is asked for. */
function told(text, tone) {
  const clamped = new Clamped();
  clamped.element.classList.add(tone);
  clamped.say(text);
  return clamped.element;
}
