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

/** What is left of a description that draws but the first metrics that have a sample. */
function shorten(description, most) {
  if (!most) return description;
  const samples = Object.keys(description.samples ?? {});
  const has = (metric) =>
    (metric.charts ?? []).length && samples.some((name) => name === metric.name || name.startsWith(`${metric.name}/`));
  const metrics = (description.metrics ?? []).filter(has).slice(0, most);
  for (const metric of metrics) metric.charts = metric.charts.slice(0, 1);
  if (metrics.length) return { ...description, metrics, charts: [], pages: [] };
  return { ...description, metrics: [], charts: (description.charts ?? []).slice(0, most), pages: [] };
}

async function draw(place) {
  place.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(place.dataset.drawn);
    if (!answer.ok) throw new Error(await answer.text());
    const { description } = await answer.json();
    if (!description) throw new Error("its description cannot be read");
    const { drawBundle } = await load();
    place.replaceChildren();
    await drawBundle(place, shorten(description, Number(place.dataset.most)), { theme: root.dataset.theme });
    place.dataset.state = "drawn";
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
    localStorage.setItem("bidviz-registry-theme", root.dataset.theme);
  } catch {
    // It stands until the page is left.
  }
  for (const place of document.querySelectorAll('[data-drawn][data-state="drawn"]')) draw(place);
});

watch(document);
