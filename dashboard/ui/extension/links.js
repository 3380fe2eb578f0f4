// On the page of all runs: links to the pages that bundles give, and what of the bundles could not be used.
import { fill, h } from "../dom.js";
import { navigate } from "../navigate.js";
import { extensions } from "../charts/extensions.js";

/**
 * @param {HTMLElement} links - where the links go.
 * @param {HTMLElement} problems - where it is said what is left out, and why.
 */
export async function showExtensions(links, problems) {
  let found;
  try {
    found = await extensions();
  } catch (error) {
    found = { pages: [], problems: [{ origin: "Bundles", message: error.message }] };
  }
  fill(
    links,
    found.pages.map(({ path, title, origin }) =>
      h("a", {
        class: "bv-link",
        href: `/page/${path}`,
        text: title,
        title: origin,
        onclick: (event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
          event.preventDefault();
          navigate(`/page/${path}`);
        },
      }),
    ),
  );
  problems.hidden = !found.problems.length;
  fill(
    problems,
    found.problems.map(({ origin, message }) => h("p", { text: `${origin} is left out of this dashboard: ${message}` })),
  );
}
