/** A chart in Vega-Lite's grammar: too heavy for a tile that is drawn while a training runs. */

export default { light: true, create: (host, panel) => ({ draw: () => panel.say("Vega-Lite charts are not drawn by this version of BIDViz: use PlotlyFigure, or another kind of chart.") }) };
