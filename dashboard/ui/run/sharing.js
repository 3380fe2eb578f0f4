// What a run's page has for sharing: pages as files, Share…, the health line, and the way to Discover. The page makes one of these.
import { openDiscover } from "../navigate.js";
import { HealthLine, HealthList } from "./health.js";
import { panelOf } from "./findings.js";
import { pageOf } from "./page-file.js";
import { savePageContent } from "./page-form.js";
import { Pages } from "./pages.js";
import { panelsOf } from "./panels.js";
import { ShareForm } from "./share.js";

/** Made once the page's parts are there; `tools` go to the toolbar, `share…` to tiles and policies. */
export class Sharing {
  #page;

  /** @param {object} page - the run's page: model, board, arrangement, drawer, notices, strip. */
  constructor(page) {
    this.#page = page;
    this.pages = new Pages(page);
    this.health = new HealthLine(page.model, {
      list: () => this.showHealth(),
      show: (finding) => this.showFinding(finding),
    });
    page.strip.prepend(this.health.element);
  }

  destroy() {
    this.pages.destroy();
  }

  /** Opens *Discover* for this run. */
  discover() {
    openDiscover(this.#page.model.run);
  }

  /** Opens the menu of pages. */
  openPages(anchor) {
    this.pages.menu(anchor, { save: () => this.savePage(), share: () => this.sharePage() });
  }

  savePage() {
    const { model, arrangement, drawer } = this.#page;
    drawer.open(savePageContent({ model, arrangement, pages: this.pages }, (page) => this.#share({ page })));
  }

  /** *Share…* on a panel: its metric, or where it has none the panel as a page. */
  sharePanel(panel) {
    if (panel.metric) this.#share({ metrics: [panel.metric.name] });
    else this.sharePage([panel]);
  }

  sharePolicy(target) {
    this.#share({ policies: [target] });
  }

  sharePage(panels = this.pages.panels) {
    const { model, arrangement } = this.#page;
    const title = panels.length === 1 ? panels[0].title : `${model.catalogue?.run.name ?? "run"} page`;
    this.#share({ page: pageOf({ title }, panels, arrangement.layout().places, model.catalogue.metrics) });
  }

  showHealth() {
    const { drawer, model } = this.#page;
    if (drawer.key === "health") drawer.close();
    else drawer.open(new HealthList(model, (finding) => this.showFinding(finding)));
  }

  /** Brings the panel of a finding to the eye; the list, where no panel shows it. */
  showFinding(finding) {
    const { model, board, focus, arrangement } = this.#page;
    const panel = panelOf(finding, panelsOf(model.catalogue, arrangement.own));
    if (!panel) {
      this.showHealth();
      return;
    }
    focus.close();
    board.revealPanel(panel.id);
  }

  #share(what) {
    const { model, drawer } = this.#page;
    drawer.open(new ShareForm(model, what));
  }
}
