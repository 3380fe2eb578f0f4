// What was written for a run and has the name of a bundle's metric, with other code: it can be removed from here.
import { button } from "../shell/buttons.js";

/** How the refusal says what to do; `hosting` of the training writes it. */
const REMOVE = /session\.metrics\.remove\('([^']+)'\)/g;

/**
 * The names that a refusal says are in the way, of those that were written for the run.
 *
 * @param {string} text - a refusal, or what was left out of a bundle.
 * @param {{name: string, origin: string}[]} metrics - those of the run.
 * @returns {string[]}
 */
export function inTheWay(text, metrics) {
  const own = new Set(metrics.filter(({ origin }) => origin === "person" || origin === "script").map(({ name }) => name));
  return [...new Set([...(text ?? "").matchAll(REMOVE)].map((match) => match[1]))].filter((name) => own.has(name));
}

/** How a bundle is said to have nothing for a run; the training's plugin manager writes it. */
const NOTHING = "has no metric for this run";

/**
 * Why loading a bundle would be of no use: it was tried, and it has nothing for this run. Not where something of the run's own is in
 * its way, since that can go.
 *
 * @param {{state: string, error: string}} bundle - as `listBundles` gives it.
 * @param {{name: string, origin: string}[]} metrics - those of the run.
 * @returns {string} the reason, or `""`.
 */
export function ofNoUse({ state, error }, metrics) {
  return state !== "loaded" && error?.includes(NOTHING) && !inTheWay(error, metrics).length ? error : "";
}

/**
 * A button that removes what is in the way and does again what was refused; nothing where nothing is.
 *
 * @param {import("../run/model.js").RunModel} model
 * @param {string} text - the refusal.
 * @param {import("../shell/buttons.js").Words} words - where it says what went wrong.
 * @param {() => void} again - what was refused.
 */
export function makeWay(model, text, words, again) {
  const names = inTheWay(text, model.catalogue?.metrics ?? []);
  if (!names.length) return null;
  return button(
    `Remove this run's own ${names.join(", ")} and load`,
    async () => {
      for (const name of names) {
        const gone = await words.follow((signal) => model.request("removeMetric", { name }, { signal }), { busy: "At the next step…" });
        if (!gone) return;
      }
      again();
    },
    { title: "What was recorded stays; the series goes on by the bundle's code" },
  );
}
