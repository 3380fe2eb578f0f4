/** A figure in Plotly's grammar: too heavy for a tile that is drawn while a training runs. */

export default { light: true, create: (host, panel) => ({ draw: () => panel.say("This figure is drawn when the chart is enlarged (double click).") }) };
