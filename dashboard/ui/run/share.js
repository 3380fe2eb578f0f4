// Share…: a metric, a policy or a page becomes a package that others install. The training goes on beside the form.
import { fill, h, show } from "../dom.js";
import { formatCount, formatTime } from "../numbers.js";
import { button, refuse, Words } from "../shell/buttons.js";
import { keep, keepWriting, readKept, readWriting } from "./share-kept.js";
import { ShareResult } from "./share-result.js";
import { bundleName, folderInTheWay, lacking, lastFailed, lastShared, nameFor } from "./share-text.js";

const LICENCES = ["Apache-2.0", "MIT", "BSD-3-Clause", "MPL-2.0", "GPL-3.0-or-later", "CC0-1.0"];

/** The form and what came of it, for a drawer. */
export class ShareForm {
  key = "share";
  title = "Share…";
  #model;
  #what;
  #off;
  #fields = {};
  #metrics = new Set();
  #policies = new Set();
  #withPage;
  #listed = null;
  #rows = h("div", { class: "bv-checks", role: "group", "aria-label": "What is shared" });
  #words = new Words();
  #lines = h("pre", { class: "bv-progress", role: "log", "aria-label": "Progress", hidden: true });
  #result;
  #asked = false; // whether what is said of the package of this name comes of a request of this form
  #awaits = false; // whether it says what did not come of a request of this form: that it is being written, or that it failed
  #full = h("span", { class: "bv-code bv-muted" });
  #go;
  element;

  /**
   * @param {import("./model.js").RunModel} model
   * @param {{metrics?: string[], policies?: string[], page?: object|null}} what - what is shared at the start; more can be ticked.
   */
  constructor(model, { metrics = [], policies = [], page = null }) {
    this.#model = model;
    this.#what = { page };
    this.#metrics = new Set([...metrics, ...(page?.metrics ?? []).map(({ name }) => name)]);
    this.#policies = new Set(policies);
    this.#withPage = Boolean(page);
    this.#result = new ShareResult(model, { words: this.#words, replace: () => this.#share({ replace: true }) });
    this.#go = button("Write the package", () => this.#share(), { primary: true });
    const left = readWriting(model.run);
    this.element = this.#form(isSame(left, { metrics, policies }) ? left.name : nameFor({ metrics, policies, page }));
    this.#off = ["status", "connection"].map((event) => model.on(event, () => this.#refuse()));
    // The row that opened this form may be quicker than the catalogue that lists what it shares.
    this.#off.push(model.on("catalogue", () => this.#drawChoices()));
    this.#off.push(model.on("journal", () => this.#recall()));
    this.#refuse();
    this.#recall();
  }

  focus() {
    this.#fields.name.select();
    this.#fields.name.focus();
  }

  destroy() {
    this.#off.forEach((off) => off());
  }

  #form(name) {
    const kept = readKept();
    const licences = h("datalist", { id: "bv-licences" }, LICENCES.map((value) => h("option", { value })));
    this.#fields = {
      name: field("Name", name, { required: true, oninput: () => this.#rename() }),
      author: field("Author", kept.author ?? "", { required: true, placeholder: "Ada Lovelace <ada@example.org>" }),
      license: field("Licence", kept.license ?? "Apache-2.0", { required: true, list: "bv-licences" }),
      folder: field("Folder", kept.folder ?? "", { placeholder: "the run's own folder" }),
    };
    this.#showName();
    this.#drawChoices();
    return h(
      "form",
      {
        class: "bv-editor bv-named",
        novalidate: true, // what lacks is said beside the button, as everywhere
        onsubmit: (event) => {
          event.preventDefault();
          if (this.#go.getAttribute("aria-disabled") !== "true") this.#share();
        },
      },
      h("p", {
        class: "bv-muted",
        text: "A package with the code, its charts, tests from the recorded values and a README, on the training's machine. It is checked at once; nothing is published.",
      }),
      this.#rows,
      labelled("Name", this.#fields.name),
      h("p", { class: "bv-hint bv-below-field" }, "a package named ", this.#full),
      labelled("Author", this.#fields.author),
      labelled("Licence", this.#fields.license, licences),
      labelled("Folder", this.#fields.folder),
      h("p", { class: "bv-hint" }, needed(), " needed; without a folder, the run's own is taken."),
      h("div", { class: "bv-row bv-actions" }, this.#go, this.#words.element),
      this.#lines,
      this.#result.element,
    );
  }

  /** Lists what can be ticked; a list that is the same stays, and with it the focus. */
  #drawChoices() {
    const { catalogue } = this.#model;
    const metrics = (catalogue?.metrics ?? []).filter(({ code, origin }) => code && ["person", "script"].includes(origin));
    const policies = this.#model.policies.filter(({ state }) => state !== "offered");
    const listed = JSON.stringify([metrics.map(({ name, help }) => [name, help]), policies.map(({ target, formula, policy }) => [target, formula, policy])]);
    if (listed === this.#listed) return;
    this.#listed = listed;
    const chosenFirst = (one, other) => Number(this.#metrics.has(other.name)) - Number(this.#metrics.has(one.name));
    const rows = [
      ...[...metrics].sort(chosenFirst).map(({ name, help }) => this.#check(this.#metrics, name, "metric", help)),
      ...policies.map(({ target, formula, policy }) => this.#check(this.#policies, target, "policy", formula || policy)),
      this.#what.page && this.#pageCheck(),
    ].filter(Boolean);
    fill(this.#rows, rows.length ? rows : h("p", { class: "bv-muted", text: "There is no metric or policy of this run's own to share." }));
  }

  #check(set, name, kind, about) {
    const box = h("input", {
      type: "checkbox",
      "aria-label": `${kind} ${name}`,
      onchange: () => {
        if (box.checked) set.add(name);
        else set.delete(name);
        this.#refuse();
      },
    });
    box.checked = set.has(name);
    return h(
      "label",
      { class: "bv-check", title: (about || "").split("\n")[0] },
      box,
      h("span", { text: name }),
      h("span", { class: "bv-muted", text: kind }),
    );
  }

  #pageCheck() {
    const box = h("input", {
      type: "checkbox",
      "aria-label": "the page of panels",
      onchange: () => {
        this.#withPage = box.checked;
        this.#refuse();
      },
    });
    box.checked = this.#withPage;
    const { title, panels } = this.#what.page;
    return h(
      "label",
      { class: "bv-check" },
      box,
      h("span", { text: title }),
      h("span", { class: "bv-muted", text: `page of ${formatCount(panels.length)} panels` }),
    );
  }

  #rename() {
    this.#showName();
    this.#asked = false;
    this.#recall();
  }

  /** What is known of the package of this name: that it is being written, or what was written. */
  #recall() {
    if (this.#asked) return;
    const name = this.#full.textContent;
    const { run, journal, status, live } = this.#model;
    const left = status && !live ? null : readWriting(run); // who is gone writes nothing any more
    const writing = left && bundleName(left.name, left.policies.length > 0 && !left.metrics.length);
    const told = (which) => lastShared(journal, which) ?? lastFailed(journal, which);
    if (left && told({ name: writing, after: left.after })) keepWriting(run, null);
    else if (left && writing === name) {
      this.#words.say(`${name} was being written when this page ceased to wait for it: what comes of it is shown here as soon as the training tells.`, "busy");
      this.#awaits = true;
      return;
    }
    if (this.#awaits) this.#words.clear();
    this.#awaits = false;
    const failed = lastFailed(journal, { name });
    if (failed) {
      this.#words.say(`${name} failed at step ${formatCount(failed.step)}, at ${formatTime(failed.time)}: ${failed.summary}`, "bad");
      this.#awaits = true; // these words go with the name, as those of one that is being written
    }
    const entry = lastShared(journal, { name });
    if (entry) this.#result.before(entry);
    else this.#result.hide();
  }

  #showName() {
    this.#full.textContent = bundleName(this.#fields.name.value, this.#policies.size > 0 && !this.#metrics.size);
  }

  #refuse() {
    this.#showName();
    const empty = !this.#metrics.size && !this.#policies.size && !this.#withPage;
    refuse(this.#go, this.#model.refusal("code") || (empty ? "Tick what is to be shared." : ""));
  }

  /** @param {{replace?: boolean}} [options] - `replace`: a package that is in its folder is put aside. */
  async #share({ replace = false } = {}) {
    const value = (key) => this.#fields[key].value.trim();
    const lack = lacking({ name: value("name"), author: value("author"), license: value("license") });
    for (const [key, input] of Object.entries(this.#fields)) {
      if (key === lack?.field) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
    if (lack) {
      this.#words.say(lack.text, "warn");
      this.#fields[lack.field].focus();
      return;
    }
    keep({ author: value("author"), license: value("license"), folder: value("folder") });
    fill(this.#lines);
    this.#result.hide();
    this.#asked = true;
    const content = {
      name: value("name"),
      metrics: [...this.#metrics],
      policies: [...this.#policies],
      page: this.#withPage ? this.#what.page : null,
      folder: value("folder"),
      author: value("author"),
      license: value("license"),
      replace,
    };
    const { run, journal } = this.#model;
    keepWriting(run, { name: content.name, metrics: content.metrics, policies: content.policies, after: journal.at(-1)?.number ?? 0 });
    const progress = (text) => {
      show(this.#lines, true);
      this.#lines.append(`${text}\n`);
      this.#lines.scrollTop = this.#lines.scrollHeight;
    };
    let given;
    const ask = (signal) => this.#model.request("shareBundle", content, { signal: (given = signal), progress });
    const reply = await this.#words.follow(ask, {
      busy: "Writing it and checking it on the sample learners, at the lowest priority beside the training: usually under a minute where the machine has time, minutes where it is busy…",
      timed: true,
      failed: (error) => this.#failed(error, given.aborted || error.lost),
    });
    if (!reply) return;
    keepWriting(run, null);
    this.#result.written(reply.data);
  }

  /** A connection that was lost, or nobody waiting any more, does not keep the training from writing on. */
  #failed(error, mayGoOn) {
    const { run, journal } = this.#model;
    if (mayGoOn) this.#asked = false;
    else keepWriting(run, null);
    const folder = folderInTheWay(error.message);
    if (!folder) return error.message;
    this.#result.inTheWay(folder, lastShared(journal, { folder }));
    return "There is a folder of that name already: see below.";
  }
}

/** Whether it is what was being written when the page was left. */
function isSame(left, { metrics, policies }) {
  return left !== null && JSON.stringify([left.metrics, left.policies]) === JSON.stringify([metrics, policies]);
}

function needed() {
  return h("b", { class: "bv-needed", "aria-hidden": "true", text: "*" });
}

function field(label, value, more = {}) {
  return h("input", { type: "text", "aria-label": label, value, spellcheck: "false", autocomplete: "off", ...more });
}

function labelled(text, control, more = null) {
  return h("label", { class: "bv-field bv-wide" }, h("span", { text }, control.required && [" ", needed()]), control, more);
}
