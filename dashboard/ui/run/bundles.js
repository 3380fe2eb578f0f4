// The bundles of the training's environment: load, unload, renew; and the way to install one.
import { fill, h } from "../dom.js";
import { button, refuse, Words } from "../shell/buttons.js";
import { Clamped } from "../shell/clamped.js";
import { makeWay } from "../discover/in-the-way.js";
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
  #offered = null;
  element;

  /**
   * @param {import("./model.js").RunModel} model
   * @param {() => void} install - opens the installer.
   */
  constructor(model, install) {
    this.#model = model;
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
      model.on("catalogue", (catalogue) => {
        if (String(catalogue.offered) !== this.#offered) this.#load();
      }),
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
    this.#acts.forEach((element) => refuse(element, code));
    return looking;
  }

  async #load() {
    const reason = this.#refuse();
    if (reason) {
      this.#words.say(reason, "warn");
      return;
    }
    this.#offered = String(this.#model.catalogue?.offered ?? "");
    const reply = await this.#words.follow((signal) => this.#model.request("listBundles", {}, { signal }), {
      busy: "Looking into the training's environment…",
    });
    if (reply) this.#draw(Array.isArray(reply.data) ? reply.data : (reply.data?.bundles ?? []));
  }

  #draw(bundles) {
    this.#acts = [];
    fill(
      this.#list,
      bundles.length
        ? bundles.map((bundle) => this.#row(bundle))
        : h("p", { class: "bv-muted", text: "None is installed there." }),
    );
  }

  #row(bundle) {
    const act = (label, method, said) => {
      const element = button(label, () => this.#act(method, bundle.name, said));
      refuse(element, this.#model.refusal("code"));
      this.#acts.push(element);
      return element;
    };
    const loaded = bundle.state === "loaded";
    return h(
      "article",
      { class: "bv-item", "aria-label": bundle.name },
      h(
        "header",
        null,
        h("strong", { text: bundle.name }),
        h("span", { class: "bv-muted", text: [bundle.distribution, bundle.version].filter(Boolean).join(" ") }),
        h("span", {
          class: `bv-tag bv-tone-${{ loaded: "good", failed: "bad" }[bundle.state] ?? "accent"}`,
          text: bundle.state,
        }),
      ),
      // What a bundle leaves out, because it has nothing for this model, is no failure.
      bundle.error && told(bundle.error, bundle.state === "failed" ? "bv-tone-bad" : "bv-muted"),
      bundle.hash &&
        h("p", { class: "bv-muted bv-code", text: `code ${bundle.hash.slice(0, 12)}`, title: bundle.hash }),
      h(
        "div",
        { class: "bv-row" },
        loaded
          ? [
              act("Unload", "unloadBundle", "unloaded: its metrics and charts are gone"),
              act("Reload", "reloadBundle", "reloaded with its newest code"),
            ]
          : act("Load", "loadBundle", "loaded"),
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

/** What may be long, as four lines and the rest when it is asked for. */
function told(text, tone) {
  const clamped = new Clamped();
  clamped.element.classList.add(tone);
  clamped.say(text);
  return clamped.element;
}

/** Installs a requirement, a path or a wheel into the training's environment, for a drawer. */
export class Installer {
  key = "install";
  title = "Install a bundle";
  #model;
  #requirement = h("input", {
    type: "text",
    placeholder: "bidviz-metric-gradnorm",
    spellcheck: "false",
    autocomplete: "off",
    "aria-label": "Requirement, path or wheel",
  });
  #lines = h("pre", { class: "bv-progress", role: "log", "aria-label": "Progress", hidden: true });
  #words = new Words();
  #go;
  #next = h("div", { class: "bv-row" });
  #loadBundle;
  #off;
  element;

  /**
   * @param {import("./model.js").RunModel} model
   * @param {(name: string) => Promise<boolean>} loadBundle
   */
  constructor(model, loadBundle) {
    this.#model = model;
    this.#loadBundle = loadBundle;
    this.#go = button("Install", () => this.#install(), { primary: true });
    this.element = h(
      "form",
      {
        class: "bv-editor",
        onsubmit: (event) => {
          event.preventDefault();
          if (this.#go.getAttribute("aria-disabled") !== "true") this.#install();
        },
      },
      h("p", {
        class: "bv-muted",
        text: "A requirement (“bidviz-metric-gradnorm==0.1”), a folder or a wheel on the training's machine. It is installed with pip into the training's environment; the training goes on.",
      }),
      h("button", {
        type: "button",
        class: "bv-link",
        text: "Look around first: Discover shows what there is, what it needs and costs, and its code",
        onclick: () => openDiscover(model.run),
      }),
      h("label", { class: "bv-field bv-wide" }, h("span", { text: "What" }), this.#requirement),
      h("div", { class: "bv-row bv-actions" }, this.#go, this.#words.element),
      this.#lines,
      this.#next,
    );
    this.#off = ["status", "connection"].map((event) => model.on(event, () => refuse(this.#go, model.refusal("code"))));
    refuse(this.#go, model.refusal("code"));
  }

  focus() {
    this.#requirement.focus();
  }

  destroy() {
    this.#off.forEach((off) => off());
  }

  async #install() {
    const requirement = this.#requirement.value.trim();
    if (!requirement) {
      this.#words.say("Say what to install.", "warn");
      return;
    }
    fill(this.#lines);
    fill(this.#next);
    this.#lines.hidden = false;
    const before = new Set(this.#model.catalogue?.offered ?? []);
    const progress = (text) => {
      this.#lines.append(`${text}\n`);
      this.#lines.scrollTop = this.#lines.scrollHeight;
    };
    const reply = await this.#words.follow(
      (signal) => this.#model.request("installBundle", { requirement }, { signal, progress }),
      {
        busy: "Installing; the training goes on…",
        done: ({ data }) => (typeof data === "string" ? data : data?.text) || `${requirement} is installed.`,
      },
    );
    if (!reply) return;
    const offered = offeredOf(
      reply.data,
      (this.#model.catalogue?.offered ?? []).filter((name) => !before.has(name)),
    );
    fill(
      this.#next,
      offered.map((name) =>
        button(
          `Load ${name}`,
          async () => {
            if (await this.#loadBundle(name)) this.#words.say(`${name} is loaded.`, "good");
          },
          { primary: true },
        ),
      ),
    );
  }
}

function offeredOf(data, fresh) {
  const named = Array.isArray(data) ? data : (data?.offered ?? data?.installed ?? []);
  return [...new Set([...named.map((one) => (typeof one === "string" ? one : one.name)), ...fresh])];
}
