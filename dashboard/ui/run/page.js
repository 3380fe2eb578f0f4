// A run's page: puts the pieces together, and owns their life.
import { h } from "../dom.js";
import { navigate, openRun } from "../navigate.js";
import { MetricEditor } from "../editor/drawer.js";
import { setTheme } from "../charts/index.js";
import { onThemeChange } from "../theme.js";
import { Drawer } from "../shell/drawer.js";
import { bindKeys, keyTable } from "../shell/keyboard.js";
import { closeMenu } from "../shell/menu.js";
import { closePopover } from "../shell/popover.js";
import { Notices } from "../shell/notices.js";
import { skipLink } from "../shell/skip.js";
import { Actions } from "./actions.js";
import { Arrangement } from "./arrangement.js";
import { Board } from "./board.js";
import { Checkpoints } from "./checkpoints.js";
import { BundleList } from "./bundles.js";
import { Console } from "./console.js";
import { failuresContent, stacksContent, tracebackContent } from "./details.js";
import { openFiles } from "./files.js";
import { Focus } from "./focus.js";
import { Header } from "./header.js";
import { HyperparameterList } from "./hyperparameters.js";
import { Installer } from "./installer.js";
import { JournalList } from "./journal.js";
import { MetricsList } from "./metrics.js";
import { RunModel } from "./model.js";
import { ownPanelContent } from "./own-panel.js";
import { panelsOf } from "./panels.js";
import { Parameters } from "./parameters.js";
import { PolicyList } from "./policies.js";
import { Sharing } from "./sharing.js";
import { Side } from "./side.js";
import { Strip } from "./strip.js";
import { Toolbar } from "./toolbar.js";
import { WhatIf } from "./whatif.js";

/**
 * Shows a run in an element.
 *
 * @param {HTMLElement} element
 * @param {string} run - the run's id.
 * @returns {{destroy: () => void}}
 */
export function mountRunPage(element, run) {
  const page = new RunPage(element, run);
  return { destroy: () => page.destroy() };
}

class RunPage {
  #off = [];
  #offered = new Set();

  constructor(element, run) {
    this.model = new RunModel(run);
    this.notices = new Notices();
    this.drawer = new Drawer(() => this.root.classList.toggle("bv-with-drawer", !this.drawer.element.hidden));
    this.arrangement = new Arrangement(this.model, () => this.board.places());
    this.actions = new Actions(this.model, this.notices, this.arrangement);
    this.focus = new Focus(() => {
      this.root.classList.toggle("bv-with-focus", this.focus.open);
      if (!this.focus.open) this.toolbar.endSearch(); // it was found
    });
    this.board = new Board(this.model, this.arrangement, this.actions, {
      edit: (name) => this.editMetric(name),
      enlarge: (panel, view) => this.focus.show(this.model, panel, view),
      share: (panel) => this.sharing.sharePanel(panel),
    });
    this.header = new Header(this.model, { home: () => navigate("/"), help: () => this.showHelp() });
    this.strip = new Strip(this.model, {
      showDetail: () => this.drawer.open(tracebackContent(this.model)),
      showStacks: () => this.drawer.open(stacksContent(this.model)),
      showFailures: () => this.drawer.open(failuresContent(this.model, (name) => this.editMetric(name))),
      interrupt: () => this.actions.interrupt(),
      callOff: () => this.header.control.callOff(),
    });
    this.toolbar = new Toolbar(this.model, this.arrangement, this.#tools(), (text, jump) =>
      this.board.find(text, jump),
    );
    this.side = new Side(this.#sides(), () => this.drawer.close());
    this.sharing = new Sharing(this);
    this.console = new Console(this.model, () =>
      this.root.classList.toggle("bv-with-console", !this.console.element.hidden),
    );
    this.root = h(
      "div",
      { class: "bv-page bv-run-page" },
      skipLink("Skip to the charts", () => (this.focus.open ? this.focus.take() : this.board.focus())),
      this.header.element,
      this.strip.element,
      h(
        "div",
        { class: "bv-middle" },
        h(
          "main",
          { class: "bv-main" },
          this.toolbar.element,
          h("div", { class: "bv-scroll" }, this.board.element),
          this.focus.element,
        ),
        this.drawer.element,
        this.side.element,
      ),
      this.console.element,
      this.notices.element,
    );
    element.replaceChildren(this.root);
    this.board.element.addEventListener("keydown", (event) => event.key === "Escape" && !event.defaultPrevented && this.toolbar.endSearch());
    this.board.start();
    this.keys = this.#keys();
    this.#off = [bindKeys(this.keys), onThemeChange(setTheme)];
    for (const event of ["connection", "silence"]) {
      const { connection } = this.model;
      const stale = () => connection.state === "lost" || connection.silentSince !== null;
      this.model.on(event, () => this.root.classList.toggle("bv-stale", stale()));
    }
    for (const event of ["catalogue", "status"]) this.model.on(event, () => this.#offer(this.model.catalogue));
    for (const event of ["status", "connection"]) this.model.on(event, () => this.notices.refuse());
    this.model.on("refused", (error) => this.notices.add(error.message, { tone: "bad", key: "refused" }));
    this.arrangement.on("unsaved", (reason) =>
      this.notices.add(`The arrangement stays on this page only. ${reason}`, { key: "unsaved", seconds: 6 }),
    );
    this.#off.push(onLeaving(() => this.arrangement.flush()));
  }

  /** Opens the editor for a metric, or for a new one. */
  editMetric(name) {
    const metric = name ? this.model.metric(name) : null;
    if (!name && this.drawer.key === "metric:") return;
    const editor = new MetricEditor(this.model, metric, (added) => {
      this.drawer.title = `Metric ${added}`;
      this.board.reveal(added);
    });
    this.drawer.open(editor);
  }

  showHelp() {
    const more = [
      ["Ctrl-Enter", "in the editor: try the metric"],
      ["Ctrl-S", "in the editor: add or save it"],
      ["Ctrl-M", "in the editor: have Tab leave it instead of indenting, and back (macOS: ⇧⌥M)"],
      ["Enter", "on a panel: enlarge it; Escape goes back to it"],
      ["/ word Enter", "go to the first panel that fits; Enter once more enlarges it"],
      ["Escape", "close what is open"],
      ["double click", "on a chart: enlarge it"],
      ["drag", "a tile's head moves it, its corner resizes it; inside a chart it zooms"],
    ];
    const reset = h("button", {
      type: "button",
      class: "bv-link",
      text: "Pack the panels in their first order",
      onclick: () => this.board.resetPlaces(),
    });
    this.drawer.open({
      key: "help",
      title: "Keys",
      element: h(
        "div",
        null,
        keyTable(this.keys, more),
        h("p", null, reset),
        this.model.connection.dashboard &&
          h("p", {
            class: "bv-muted",
            text: `Dashboard ${this.model.connection.dashboard}; your link allows “${this.model.connection.right}”.`,
          }),
      ),
    });
  }

  /** Opens the loss of this run and of another on one chart. */
  compareWith(run) {
    const panels = panelsOf(this.model.catalogue, this.arrangement.own);
    const lined = (panel) => (panel.metric?.series ?? panel.spec?.series ?? []).includes("loss");
    const panel = panels.find(lined) ?? panels[0];
    if (panel) this.focus.show(this.model, panel, this.arrangement.viewOf(panel.id), [run]);
  }

  destroy() {
    this.arrangement.flush();
    closeMenu();
    closePopover();
    this.focus.close();
    this.drawer.close();
    this.console.destroy();
    this.#off.forEach((off) => off());
    this.sharing.destroy();
    this.strip.destroy();
    this.side.destroy();
    this.board.destroy();
    this.model.close();
    this.root.remove();
  }

  #tools() {
    const toggle = (key, content) => () =>
      this.drawer.key === key ? this.drawer.close() : this.drawer.open(content());
    return {
      metric: () => this.editMetric(""),
      panel: toggle("panel", () => ownPanelContent(this.model, (panel) => this.arrangement.addOwn(panel))),
      install: () => this.#openInstaller(),
      bundles: toggle("bundles", () => new BundleList(this.model, () => this.#openInstaller())),
      metrics: toggle(
        "metrics",
        () =>
          new MetricsList(this.model, {
            edit: (name) => this.editMetric(name),
            toggle: (metric) => this.actions.toggle(metric),
            remove: (metric, anchor) => this.actions.remove(metric, anchor),
            reveal: (name) => this.board.reveal(name),
          }),
      ),
      discover: () => this.sharing.discover(),
      pages: (anchor) => this.sharing.openPages(anchor),
      files: (anchor) => openFiles(this.model, anchor, this.notices),
      checkpoints: toggle(
        "checkpoints",
        () => new Checkpoints(this.model, { openRun, compare: (run) => this.compareWith(run) }),
      ),
      whatIf: toggle("what-if", () => new WhatIf(this.model)),
      console: () => this.console.toggle(),
    };
  }

  /** The tabs of the side panel. */
  #sides() {
    const policy = (target) => this.side.open("policies").edit(target);
    return [
      ["hyperparameters", "Hyperparameters", () => new HyperparameterList(this.model, { policy })],
      ["policies", "Policies", () => new PolicyList(this.model, (target) => this.sharing.sharePolicy(target))],
      ["model", "Model", () => new Parameters(this.model)],
      ["journal", "Journal", () => new JournalList(this.model)],
    ];
  }

  #openInstaller() {
    this.drawer.open(new Installer(this.model, (name) => this.actions.loadBundle(name)));
  }

  #keys() {
    return {
      " ": { text: "pause or resume", action: () => this.header.control.pauseOrResume() },
      m: { text: "new metric", action: () => this.#unlessRefused(() => this.editMetric("")) },
      "`": { text: "console", action: () => this.console.toggle() },
      "/": { text: "find a panel", action: () => this.toolbar.search.focus() },
      ".": { text: "one step, then pause", action: () => this.header.control.step() },
      "?": { text: "these keys", action: () => this.showHelp() },
    };
  }

  /** What a key would do that its button must not: the reason is said in place of it. */
  #unlessRefused(action) {
    const reason = this.model.refusal("code");
    if (reason) this.notices.add(reason, { key: "refused", seconds: 10 });
    else action();
  }

  #offer(catalogue) {
    // A run that is over takes no bundle any more.
    const offers = catalogue && this.model.live ? catalogue.offered : [];
    const fresh = offers.filter((name) => !this.#offered.has(name));
    const reason = this.model.refusal("code");
    if (fresh.length > FEW) {
      this.notices.add(`${fresh.length} installed bundles are not loaded: see Bundles.`, { key: "offered", seconds: 10 });
    }
    for (const name of fresh.length > FEW ? [] : fresh) {
      this.notices.add(`The bundle ${name} is installed and can be loaded.${reason ? ` ${reason}` : ""}`, {
        key: `offered:${name}`,
        seconds: 30, // the list of bundles goes on offering it
        actions: reason ? [] : [["Load", () => this.actions.loadBundle(name), null, `Load ${name}`]],
      });
    }
    for (const name of this.#offered) {
      if (!offers.includes(name)) this.notices.drop(`offered:${name}`);
    }
    this.#offered = new Set(offers);
  }
}

const FEW = 2; // bundles that are offered one by one; a script that chose some of many wants no list of the others

function onLeaving(action) {
  window.addEventListener("pagehide", action);
  return () => window.removeEventListener("pagehide", action);
}
