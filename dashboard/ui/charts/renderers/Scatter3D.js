/** Points in space: too heavy for a tile that is drawn while a training runs. */

export default { light: true, create: (host, panel) => ({ draw: () => panel.say("Points in space are drawn when the chart is enlarged (double click).") }) };
