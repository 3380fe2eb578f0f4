/** Series over steps, a line each. */

import { LinePlot } from "../lines/plot.js";

export default { light: true, create: (host, panel) => new LinePlot(host, panel, { band: false }) };
