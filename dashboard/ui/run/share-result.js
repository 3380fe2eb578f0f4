// What came of Share…: the folder, what its check found, and the way on from there; also of a package that was written before.
import { copyText, download, fill, h, show } from "../dom.js";
import { formatCount, formatTime } from "../numbers.js";
import { button } from "../shell/buttons.js";
import { openMenu } from "../shell/menu.js";
import { filesOf, findingsOf, fromBase64, writtenText } from "./share-text.js";

/** A place in the form. */
export class ShareResult {
  #model;
  #words;
  #replace;
  element = h("section", { class: "bv-shared", "aria-label": "What was written", hidden: true });

  /**
   * @param {import("./model.js").RunModel} model
   * @param {{words: import("../shell/buttons.js").Words, replace: () => void}} form - `replace`: writes it anew in place of what is there.
   */
  constructor(model, { words, replace }) {
    this.#model = model;
    this.#words = words;
    this.#replace = replace;
  }

  hide() {
    show(this.element, false);
  }

  /** What a request has just written. */
  written(data) {
    const bad = badIn(data);
    this.#words.say(writtenText(bad, findingsOf(data.check).length - bad), bad ? "warn" : "good");
    this.#fill(data);
  }

  /** What the journal tells of a package that was written before: by this page before it was reloaded, or by another. */
  before(entry) {
    this.#fill(entry.detail, h("p", { class: "bv-muted", text: `Written at step ${formatCount(entry.step)}, at ${formatTime(entry.time)}:` }));
  }

  /** A folder that is in the way: what it holds, as far as that is known, and the way to write it anew all the same. */
  inTheWay(folder, entry) {
    const again = button("Write it anew…", () =>
      openMenu(
        again,
        [
          `${folder} keeps all it holds, also what you changed, under another name beside it.`,
          { label: "Put it aside and write the package anew", action: () => this.#replace(), danger: true },
        ],
        "Write it anew?",
      ),
    );
    const known = entry
      ? `It was written at step ${formatCount(entry.step)}, at ${formatTime(entry.time)}, and held this:`
      : "It was not written in this run.";
    const words = h("p", null, h("code", { text: folder }), ` is there already. ${known}`);
    if (entry) this.#fill(entry.detail, words, again);
    else {
      show(this.element, true);
      fill(this.element, words, h("div", { class: "bv-row" }, again));
    }
  }

  #fill(data, words = null, more = null) {
    const files = filesOf(data);
    const findings = findingsOf(data.check);
    const said = h("span", { class: "bv-muted", role: "status" });
    const copy = async () => {
      await copyText(data.folder);
      said.textContent = "copied";
    };
    show(this.element, true);
    fill(
      this.element,
      words,
      h("p", null, "In ", h("code", { text: data.folder }), " ", button("Copy", copy, { icon: "copy", title: "Copy the folder's path" }), said),
      data.aside && h("p", { class: "bv-muted" }, "What was there before is in ", h("code", { text: data.aside }), "."),
      data.check && !badIn(data) && h("p", { class: "bv-tone-good", text: "✓ It passes bidviz bundle check: metadata, code, charts, help, and every metric on the sample learners." }),
      findings.length > 0 && h("ul", { class: "bv-findings", "aria-label": "Findings" }, findings.map(findingRow)),
      files.length > 0 &&
        h(
          "details",
          { class: "bv-fold" },
          h("summary", { text: `${formatCount(files.length)} files` }),
          h("ul", { class: "bv-plain bv-code" }, files.map((text) => h("li", { text }))),
        ),
      h("div", { class: "bv-row" }, button("Download as a zip", () => this.#download(data.folder)), more),
      h("p", { class: "bv-hint", text: "Publish it from a terminal, when you like what you see:" }),
      h("pre", { class: "bv-code bv-long", text: `bidviz bundle check ${data.folder}\nbidviz bundle publish ${data.folder}` }),
      h("p", { class: "bv-hint" }, "As it stands it goes to PyPI, for everybody. Elsewhere with ", h("code", { text: "--repository" }), " and an address for uploads, or the name of a registry in registries.toml."),
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

function badIn(data) {
  return findingsOf(data.check).filter(({ level }) => level === "bad").length;
}

function findingRow({ level, text, help }) {
  return h(
    "li",
    { class: level === "bad" ? "bv-tone-bad" : "bv-tone-muted" },
    `${level === "bad" ? "✗" : "·"} ${text}`,
    help && h("span", { class: "bv-muted", text: ` ${help}` }),
  );
}
