// The details of one bundle: inspected before anything of it is installed, then installed, upgraded, rolled back, removed.
import { fill, h, setText, show } from "../dom.js";
import { openRun } from "../navigate.js";
import { formatCount } from "../numbers.js";
import { button, refuse, Words } from "../shell/buttons.js";
import { askFirst } from "../shell/popover.js";
import { Confirmation } from "./confirmation.js";
import { makeWay, ofNoUse } from "./in-the-way.js";
import { inspectionView } from "./inspection.js";
import { compareVersions, INSTALLED, requirementOf, shortName, sourceText, standingOf, stateOf, waitingOf } from "./words.js";

/** pip tells of each package that is there already; nobody waits for that. */
const NOISE = /^Requirement already satisfied/;

/** What stands beside the cards while a bundle is looked at. */
export class Detail {
  #model;
  #changed;
  #bundle;
  #choice = { source: "", version: "" };
  #said = null;
  #asked = 0;
  #view = null;
  #title = h("h2", { class: "bv-detail-title", tabindex: "-1" });
  #state = h("span", { class: "bv-tag" });
  #versions = h("select", { "aria-label": "Version and source", onchange: () => this.#choose(this.#versions.value) });
  #words = new Words();
  #looking = new Words();
  #lines = h("pre", { class: "bv-progress", role: "log", "aria-label": "Progress", hidden: true });
  #next = h("div", { class: "bv-row" });
  #body = h("div");
  #confirm;
  #buttons = {};
  element;

  /**
   * @param {import("../run/model.js").RunModel} model
   * @param {object} bundle - see `gather`.
   * @param {{close: () => void, changed: () => Promise<void>}} actions - `changed`: something was installed, loaded or removed.
   */
  constructor(model, bundle, { close, changed }) {
    this.#model = model;
    this.#changed = changed;
    this.#bundle = bundle;
    this.#confirm = new Confirmation((options) => this.#install(options));
    this.#buttons = {
      install: button("Install…", () => this.#confirm.open(this.#said), { primary: true }),
      load: button("Load", () => this.#act(this.#bundle.loaded ? "reloadBundle" : "loadBundle", "loaded")),
      unload: button("Unload", () => this.#act("unloadBundle", "unloaded: its metrics and charts are gone, their history stays")),
      back: button("Roll back…", () => this.#rollBack()),
      remove: button("Remove…", () => this.#remove()),
    };
    this.element = h(
      "section",
      { class: "bv-detail", "aria-label": `Details of ${bundle.name}` },
      h(
        "header",
        { class: "bv-detail-head" },
        this.#title,
        this.#state,
        h("span", { class: "bv-spring" }),
        h("label", { class: "bv-field" }, h("span", { text: "version" }), this.#versions),
        button("Close", close, { icon: "close", bare: true, key: "Escape" }),
      ),
      h("p", { class: "bv-muted bv-code", text: bundle.name }),
      h("div", { class: "bv-row bv-actions" }, Object.values(this.#buttons), this.#words.element),
      this.#confirm.element,
      this.#lines,
      this.#next,
      this.#looking.element,
      this.#body,
    );
    setText(this.#title, shortName(bundle.name));
    this.update(bundle);
    const first = this.#choices()[0];
    this.#choose(`${first.source}\n${first.version}`);
  }

  get name() {
    return this.#bundle.name;
  }

  focus() {
    this.#title.focus({ preventScroll: true });
  }

  /** Takes the bundle as the last search has it. */
  update(bundle) {
    this.#bundle = bundle;
    const state = stateOf(bundle);
    this.#state.className = `bv-tag bv-tone-${state.tone}`;
    setText(this.#state, state.word);
    const wanted = this.#versions.value;
    fill(
      this.#versions,
      this.#choices().map(({ source, version }) =>
        h("option", { value: `${source}\n${version}`, text: `${version} ${sourceText(source, bundle.origin)}` }),
      ),
    );
    if ([...this.#versions.options].some(({ value }) => value === wanted)) this.#versions.value = wanted;
    this.refuse();
  }

  /** Greys what cannot be done now, with the reason. */
  refuse() {
    const { loaded, installed, origin, state } = this.#bundle;
    const code = this.#model.refusal("code");
    const { install, load, unload, back, remove } = this.#buttons;
    const { version, source } = this.#choice;
    const { refusals } = standingOf(this.#said);
    const same = source === INSTALLED ? "It is installed already; choose a version from a registry or a folder." : "";
    const unseen = this.#said ? "" : "It is being looked at first.";
    const newer = installed ? compareVersions(version, installed) : 0;
    setText(install.querySelector("span"), `${newer > 0 ? "Upgrade to" : "Install"} ${version}${newer < 0 ? " instead" : ""}…`);
    const running = loaded === version && this.#said?.code && this.#said.code === this.#bundle.code;
    refuse(install, code || same || unseen || (running ? "This very code is loaded." : (refusals[0] ?? "")));
    show(install, source !== INSTALLED && this.#bundle.rows.length > 0);
    const waiting = waitingOf({ ...this.#bundle, version: loaded });
    setText(load.querySelector("span"), waiting?.label ?? "Load");
    load.setAttribute("aria-label", waiting ? `${waiting.label} of ${this.name}` : `Load ${this.name}`);
    show(load, Boolean(waiting) || (Boolean(installed) && state !== "loaded"));
    show(unload, Boolean(loaded));
    const own = Boolean(installed) && Boolean(origin) && origin !== "environment";
    show(back, own);
    show(remove, own);
    for (const one of [unload, back, remove]) refuse(one, code);
    refuse(load, code || ofNoUse(this.#bundle, this.#model.catalogue?.metrics ?? []));
    this.#confirm.refuse(code);
  }

  destroy() {
    this.#view?.destroy();
    this.#asked = -1;
  }

  #choices() {
    const all = this.#bundle.rows.flatMap(({ source, version, versions }) =>
      [...new Set([version, ...(versions ?? [])])].filter(Boolean).map((one) => ({ source, version: one })),
    );
    return all.length ? all : [{ source: "", version: this.#bundle.loaded }];
  }

  #choose(value) {
    const [source, version] = value.split("\n");
    this.#choice = { source, version };
    this.#versions.value = value;
    this.#inspect();
  }

  async #inspect() {
    const { name } = this.#bundle;
    const { source, version } = this.#choice;
    const asked = ++this.#asked;
    const row = this.#bundle.rows.find((one) => one.source === source) ?? {};
    const known = { name, version, source, hash: row.version === version ? row.hash : "", description: row.version === version ? row.description : null };
    this.#said = null;
    this.#confirm.close();
    this.refuse();
    const refusal = this.#model.refusal("code");
    const gone = !this.#bundle.rows.length;
    if (source === INSTALLED || gone || refusal) {
      const warnings = refusal ? [`Its files are not looked at: ${refusal}`] : [];
      if (gone) warnings.unshift("No place that was searched has it any more; what was loaded before still runs.");
      this.#show({ ...known, origin: this.#bundle.origin, code: this.#bundle.code, running: this.#running(), warnings });
      return;
    }
    this.#show(known);
    const reply = await this.#looking.follow(
      (signal) => this.#model.request("inspectBundle", { requirement: requirementOf(name, version), name, version, source }, { signal }),
      { busy: "Fetching the wheel to look into it; nothing of it runs…", failed: (error) => `It could not be looked at: ${error.message}` },
    );
    if (asked !== this.#asked) return; // another version was chosen, or the details were closed
    if (reply) {
      this.#said = { ...known, ...reply.data };
      this.#show(this.#said);
    }
    this.refuse();
  }

  /** The code of its metrics as it runs now. */
  #running() {
    const { name, loaded } = this.#bundle;
    return (this.#model.catalogue?.metrics ?? []).filter(({ origin, code }) => code && origin === `${name} ${loaded}`);
  }

  #show(said) {
    this.#view?.destroy();
    this.#view = inspectionView(said);
    fill(this.#body, this.#view.element);
  }

  #progress = (text) => {
    if (NOISE.test(text)) return;
    show(this.#lines, true);
    this.#lines.append(`${text}\n`);
    this.#lines.scrollTop = this.#lines.scrollHeight;
  };

  async #install({ dependencies }) {
    const { name } = this.#bundle;
    const { version, source, hash } = this.#said;
    fill(this.#lines);
    fill(this.#next);
    const content = {
      requirement: requirementOf(name, version),
      source,
      hash,
      with_dependencies: dependencies,
      load: true,
    };
    const reply = await this.#words.follow(
      (signal) => this.#model.request("installBundle", content, { signal, progress: this.#progress }),
      { busy: "Installing; the training goes on…", failed: this.#failed(() => this.#install({ dependencies })) },
    );
    if (!reply) return;
    this.#confirm.close();
    await this.#changed();
    const loaded = this.#bundle.loaded === version;
    if (!loaded) {
      this.#words.say(`${name} ${version} is installed, but not loaded. ${this.#bundle.error}`.trim(), "warn");
      return;
    }
    const since = reply.step === null ? "" : ` since step ${formatCount(reply.step)}`;
    this.#words.say(`${name} ${version} is installed and loaded${since}.`, "good");
    fill(this.#next, button("Show its panels", () => openRun(this.#model.run), { primary: true }));
  }

  async #act(method, said) {
    const { name } = this.#bundle;
    fill(this.#next);
    const reply = await this.#words.follow((signal) => this.#model.request(method, { name }, { signal, progress: this.#progress }), {
      busy: "At the next step…",
      failed: this.#failed(() => this.#act(method, said)),
    });
    if (!reply) return;
    await this.#changed();
    const { version, error, distribution } = reply.data ?? {};
    if (method === "removeBundle" && !distribution) this.#gone();
    const text = `${name}${version ? ` ${version}` : ""} is ${said}. ${error ?? ""}`.trim();
    this.#words.say(typeof said === "function" ? said(reply.data) : text, "good");
  }

  /** Nothing of it is here any more; where no other place has it, no search tells of it either. */
  #gone() {
    const rows = this.#bundle.rows.filter(({ source }) => source !== INSTALLED);
    this.update({ ...this.#bundle, rows, installed: "", loaded: "", state: "", origin: "", outdated: false });
  }

  /** Says why something was refused, with the button that helps where there is one. */
  #failed(again) {
    return ({ message }) => {
      fill(this.#next, makeWay(this.#model, message, this.#words, again));
      return message;
    };
  }

  #rollBack() {
    const { name, loaded, installed } = this.#bundle;
    const waits = waitingOf({ ...this.#bundle, version: loaded });
    askFirst(this.#buttons.back, {
      title: `Roll ${shortName(name)} back?`,
      texts: [
        waits
          ? `Version ${installed}, which does not run yet, is taken away again.`
          : `${loaded ? `Version ${loaded} is unloaded, and the` : "The"} one that this run had before is loaded in its place, code for code; where it had none, nothing changes: remove it instead. What was recorded stays.`,
      ],
      label: "Roll back",
      action: () => this.#act("rollbackBundle", (data) => data?.text || `${name} is rolled back${data?.version ? ` to ${data.version}` : ""}.`),
    });
  }

  #remove() {
    const { name } = this.#bundle;
    askFirst(this.#buttons.remove, {
      title: `Remove ${shortName(name)}?`,
      texts: ["It is unloaded, and what this run installed of it is removed. The history of its metrics stays."],
      label: "Remove",
      action: () => this.#act("removeBundle", (data) => data?.text || `${name} is removed.`),
    });
  }
}
