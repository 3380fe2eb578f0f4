// A petal for each series, as long as the root of its share, so that its area is the share.

class Rose {
  constructor(host, panel, { h, fill, formatNumber }) {
    Object.assign(this, { panel, h, fill, formatNumber });
    this.picture = h("svg:svg", { class: "rose", role: "presentation" });
    host.append(this.picture);
  }

  draw() {
    const { panel, h } = this;
    const { width, height } = panel.size;
    const petals = this.petals();
    if (!petals.length) {
      panel.say("A rose is drawn from shares: several series of numbers.");
      return;
    }
    const reach = Math.min(width, height) / 2 - 16;
    const middle = [width / 2, height / 2];
    const turn = (2 * Math.PI) / petals.length;
    const bad = petals.filter(({ value }) => !Number.isFinite(value));
    if (bad.length) panel.warn(`No number for ${bad.map(({ label }) => label).join(", ")}.`);
    this.picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.fill(
      this.picture,
      petals.map(({ label, value, colour }, i) => {
        const length = reach * Math.sqrt(Math.min(1, Math.max(0, Number.isFinite(value) ? value : 0)));
        const path = h("svg:path", { d: sector(middle, length, i * turn, (i + 1) * turn), fill: colour, "data-value": value });
        path.append(h("svg:title", { text: `${label}: ${this.formatNumber(value)}` }));
        return path;
      }),
      petals.map(({ label }, i) => {
        const [x, y] = place(middle, reach + 8, (i + 0.5) * turn);
        return h("svg:text", { x, y, text: label });
      }),
    );
  }

  /** As many of the largest shares as the spec's own field says, at the crosshair or now. */
  petals() {
    const { panel } = this;
    const { step } = panel.crosshair;
    const read = (series) => (step === null ? series.latest : series.at(step))?.value ?? NaN;
    const all = panel.lines().map(({ series, label, colour }) => ({ label, colour, value: read(series) }));
    const least = [...all].sort((a, b) => b.value - a.value)[(panel.view.petals ?? 12) - 1]?.value ?? -Infinity;
    return all.filter(({ value }) => !(value < least));
  }
}

function place([x, y], length, angle) {
  return [x + length * Math.sin(angle), y - length * Math.cos(angle)].map((one) => Number(one.toFixed(2)));
}

function sector(middle, length, from, to) {
  const [start, end] = [place(middle, length, from), place(middle, length, to - 1e-4)];
  return `M${middle} L${start} A${length} ${length} 0 ${to - from > Math.PI ? 1 : 0} 1 ${end} Z`;
}

export default { light: false, create: (host, panel, tools) => new Rose(host, panel, tools) };
