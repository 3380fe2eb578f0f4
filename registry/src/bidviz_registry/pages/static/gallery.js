// Searches while one types, draws charts when they come into view, switches the theme.
const drawer = document.body.dataset.drawer;
const root = document.documentElement;

// --- charts ------------------------------------------------------------------------------------------------------------

let drawing = null;

/** The dashboard's own renderers, loaded when the first chart comes into view. */
function load() {
  drawing ??= import(drawer);
  return drawing;
}

/** The first panel that has a sample to draw, for a card. */
function chooseFirst(panels, samples) {
  const names = Object.keys(samples ?? {});
  const has = ({ metric }) => metric && names.some((name) => name === metric.name || name.startsWith(`${metric.name}/`));
  return (panels.find(has) ?? panels[0])?.id;
}

const drawn = new Map();

async function draw(place) {
  place.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(place.dataset.drawn);
    if (!answer.ok) throw new Error(await answer.text());
    const { description } = await answer.json();
    if (!description) throw new Error("its description cannot be read");
    const { drawBundle, panelsOfBundle } = await load();
    const first = "first" in place.dataset ? chooseFirst(panelsOfBundle(description), description.samples) : null;
    const only = first === null ? undefined : ({ id }) => id === first;
    drawn.get(place)?.destroy();
    place.replaceChildren();
    drawn.set(place, drawBundle(place, description, { theme: root.dataset.theme, only }));
    place.dataset.state = "drawn";
    await drawn.get(place).ready;
  } catch (error) {
    place.dataset.state = "failed";
    place.textContent = `Its charts could not be drawn: ${error.message}`;
  } finally {
    place.removeAttribute("aria-busy");
  }
}

const seen = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      draw(target);
    }
  },
  { rootMargin: "200px" },
);

function watch(within) {
  if (drawer) for (const place of within.querySelectorAll("[data-drawn]")) seen.observe(place);
}

// --- the search --------------------------------------------------------------------------------------------------------

const form = document.querySelector("[data-search]");
const field = form?.elements.namedItem("q");
let asked = null;

async function search() {
  asked?.abort();
  asked = new AbortController();
  const query = new URLSearchParams({ q: field.value });
  try {
    const answer = await fetch(`/cards?${query}`, { signal: asked.signal });
    if (!answer.ok) throw new Error(await answer.text());
    const place = document.getElementById("cards");
    // What the server wrote: every stranger's text in it is escaped there.
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body;
    for (const [gone, handle] of drawn) {
      if (!place.contains(gone)) continue;
      handle.destroy();
      drawn.delete(gone);
    }
    place.replaceChildren(...fresh.childNodes);
    history.replaceState(null, "", field.value ? `/?${query}` : "/");
    watch(place);
  } catch (error) {
    if (error.name !== "AbortError") document.getElementById("found").textContent = `The search failed: ${error.message}`;
  }
}

if (form) {
  let soon = 0;
  field.addEventListener("input", () => {
    clearTimeout(soon);
    soon = setTimeout(search, 120);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(soon);
    search();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea")) return;
    event.preventDefault();
    field.focus();
    field.select();
  });
}

// --- the theme ---------------------------------------------------------------------------------------------------------

document.querySelector("[data-theme-switch]").addEventListener("click", () => {
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  try {
    localStorage.setItem("bidviz-theme", root.dataset.theme);
  } catch {
    // It stands until the page is left.
  }
  for (const place of drawn.keys()) draw(place);
});

watch(document);
