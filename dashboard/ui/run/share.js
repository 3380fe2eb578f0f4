// Share…: a metric, a policy or a page becomes a package that others install. The training goes on beside the form.
import { copyText, download, fill, h, show } from "../dom.js";
import { formatCount } from "../numbers.js";
import { button, refuse, Words } from "../shell/buttons.js";
import { bundleName, filesOf, findingsOf, fromBase64, nameFor, whyNot } from "./share-text.js";

const KEY = "bidviz-author";
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
  #result = h("section", { class: "bv-shared", "aria-label": "What was written", hidden: true });
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
    this.#go = button("Write the package", () => this.#share(), { primary: true });
    this.element = this.#form(nameFor({ metrics, policies, page }));
    this.#off = ["status", "connection"].map((event) => model.on(event, () => this.#refuse()));
    // The row that opened this form may be quicker than the catalogue that lists what it shares.
    this.#off.push(model.on("catalogue", () => this.#drawChoices()));
    this.#refuse();
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
      name: field("Name", name, { oninput: () => this.#showName() }),
      author: field("Author", kept.author ?? "", { placeholder: "Ada Lovelace <ada@example.org>" }),
      license: field("Licence", kept.license ?? "Apache-2.0", { list: "bv-licences" }),
      folder: field("Folder", kept.folder ?? "", { placeholder: "the run's own folder" }),
    };
    this.#showName();
    this.#drawChoices();
    return h(
      "form",
      {
        class: "bv-editor bv-named",
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
      labelled("Name", this.#fields.name, this.#full),
      labelled("Author", this.#fields.author),
      labelled("Licence", this.#fields.license, licences),
      labelled("Folder", this.#fields.folder),
      h("div", { class: "bv-row bv-actions" }, this.#go, this.#words.element),
      this.#lines,
      this.#result,
    );
  }

  /** Lists what can be ticked; a list that is the same stays, and with it the focus. */
  #drawChoices() {
    const { catalogue } = this.#model;
    const metrics = (catalogue?.metrics ?? []).filter(({ code, origin }) => code && ["person", "script"].includes(origin));
    const policies = (catalogue?.policies ?? []).filter(({ state }) => state !== "offered");
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

  #showName() {
    this.#full.textContent = bundleName(this.#fields.name.value, this.#policies.size > 0 && !this.#metrics.size);
  }

  #refuse() {
    this.#showName();
    const empty = !this.#metrics.size && !this.#policies.size && !this.#withPage;
    refuse(this.#go, this.#model.refusal("code") || (empty ? "Tick what is to be shared." : ""));
  }

  async #share() {
    const value = (key) => this.#fields[key].value.trim();
    const wrong = whyNot({ name: value("name"), author: value("author"), license: value("license") });
    if (wrong) {
      this.#words.say(wrong, "warn");
      return;
    }
    keep({ author: value("author"), license: value("license"), folder: value("folder") });
    fill(this.#lines);
    show(this.#result, false);
    const content = {
      name: value("name"),
      metrics: [...this.#metrics],
      policies: [...this.#policies],
      page: this.#withPage ? this.#what.page : null,
      folder: value("folder"),
      author: value("author"),
      license: value("license"),
    };
    const progress = (text) => {
      show(this.#lines, true);
      this.#lines.append(`${text}\n`);
      this.#lines.scrollTop = this.#lines.scrollHeight;
    };
    const reply = await this.#words.follow((signal) => this.#model.request("shareBundle", content, { signal, progress }), {
      busy: "Writing and checking on the sample learners, which takes half a minute; the training goes on…",
    });
    if (reply) this.#showResult(reply.data);
  }

  #showResult(data) {
    const files = filesOf(data);
    const findings = findingsOf(data.check);
    const bad = findings.filter(({ level }) => level === "bad").length;
    this.#words.say(
      bad ? `Written; the check has ${bad === 1 ? "one finding" : `${bad} findings`} to mend.` : "Written, and the check found nothing to mend.",
      bad ? "warn" : "good",
    );
    const said = h("span", { class: "bv-muted", role: "status" });
    const copy = async () => {
      await copyText(data.folder);
      said.textContent = "copied";
    };
    const folder = button("Copy", copy, { icon: "copy", title: "Copy the folder's path" });
    show(this.#result, true);
    fill(
      this.#result,
      h("p", null, "In ", h("code", { text: data.folder }), " ", folder, said),
      !bad && h("p", { class: "bv-tone-good", text: "✓ It passes bidviz bundle check: metadata, code, charts, help, and every metric on the sample learners." }),
      findings.length > 0 && h("ul", { class: "bv-findings", "aria-label": "Findings" }, findings.map(findingRow)),
      h(
        "details",
        { class: "bv-fold" },
        h("summary", { text: `${formatCount(files.length)} files` }),
        h("ul", { class: "bv-plain bv-code" }, files.map((text) => h("li", { text }))),
      ),
      h("div", { class: "bv-row" }, button("Download as a zip", () => this.#download(data.folder))),
      h("p", { class: "bv-hint", text: "Publish it from a terminal, when you like what you see:" }),
      h("pre", { class: "bv-code bv-long", text: `bidviz bundle check ${data.folder}\nbidviz bundle publish ${data.folder}` }),
    );
  }

  async #download(folder) {
    const reply = await this.#words.follow((signal) => this.#model.request("packBundle", { folder }, { signal }), {
      busy: "Packing…",
      done: ({ data }) => `${data.name} is downloaded.`,
    });
    if (reply) download(reply.data.name, new Blob([fromBase64(reply.data.zip)], { type: "application/zip" }));
  }
}

function findingRow({ level, text, help }) {
  return h(
    "li",
    { class: level === "bad" ? "bv-tone-bad" : "bv-tone-muted" },
    `${level === "bad" ? "✗" : "·"} ${text}`,
    help && h("span", { class: "bv-muted", text: ` ${help}` }),
  );
}

function field(label, value, more = {}) {
  return h("input", { type: "text", "aria-label": label, value, spellcheck: "false", autocomplete: "off", ...more });
}

function labelled(text, control, more = null) {
  return h("label", { class: "bv-field bv-wide" }, h("span", { text }), control, more);
}

/** Who shares, and how: kept in this browser. */
function readKept() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

function keep(kept) {
  try {
    localStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // A browser that keeps nothing: it is asked again next time.
  }
}
