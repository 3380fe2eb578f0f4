// The choice is kept under the name that the dashboard uses, for its drawing scripts read it too.
// Runs before anything is drawn, so that a dark page never flashes white.
(() => {
  let chosen = null;
  try {
    const kept = localStorage.getItem("bidviz-theme");
    if (kept === "light" || kept === "dark") chosen = kept;
  } catch {
    // Storage is refused: the system's choice stands.
  }
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = chosen || (dark ? "dark" : "light");
})();
