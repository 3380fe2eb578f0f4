// The terminal's own file, loaded when the console is opened for the first time.
import "@xterm/xterm/css/xterm.css";
import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";

window.bidviz_terminal = { Terminal, FitAddon };
