// What the tests of the charts drive: everything the page uses, and the parts that are tested alone.
import "../../dashboard/ui/theme.css";
import * as charts from "../../dashboard/ui/charts/index.js";
import { Columns, columnsOfHistory } from "../../dashboard/ui/charts/columns.js";
import { LinePlot } from "../../dashboard/ui/charts/lines/plot.js";
import { PixelColumns, smooth } from "../../dashboard/ui/charts/pixels.js";
import { RangeKeeper } from "../../dashboard/ui/charts/range.js";
import { Series } from "../../dashboard/ui/charts/series.js";
import { linearTicks, logTicks, tickTexts } from "../../dashboard/ui/charts/lines/ticks.js";
import { chooseTheme, readTheme } from "../../dashboard/ui/theme.js";

window.charts = { ...charts, Columns, columnsOfHistory, LinePlot, PixelColumns, RangeKeeper, Series, chooseTheme, linearTicks, logTicks, readTheme, smooth, tickTexts };

/** A frame that Python packed, as the browser would get it. */
window.frameOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
