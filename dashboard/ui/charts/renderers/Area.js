/** Series over steps with the band between the least and largest value. */

import { LinePlot } from "../lines/plot.js";

export default { light: true, create: (host, panel) => new LinePlot(host, panel, { band: true }) };
