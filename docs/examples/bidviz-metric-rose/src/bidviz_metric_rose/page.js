// The roses of all runs that are going on, side by side.

export default function roses(element, dashboard) {
  const { h, fill } = dashboard;
  const shown = new Set();
  const grid = h("div", { style: { display: "grid", gridTemplateColumns: "repeat(auto-fill, minmax(320px, 1fr))", gap: "16px" } });
  const none = h("p", { class: "bv-muted", text: "No run is going on." });
  fill(element, none, grid);
  dashboard.runs((runs) => {
    for (const { run, live } of runs) {
      const { id, name } = run;
      if (!live || shown.has(id)) continue;
      shown.add(id);
      none.hidden = true;
      const box = h("div", { style: { height: "300px", display: "flex" } });
      grid.append(h("section", { "data-run": id }, h("h2", null, h("a", { href: `/run/${id}`, text: name })), box));
      const { store } = dashboard.openModel(id);
      dashboard.panel(box, { spec: { kind: "rose.Rose", series: ["gradient_rose/*"], petals: 8 }, store, title: name });
    }
  });
}
