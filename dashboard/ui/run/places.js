// Places that panels were given by themselves, put into the arrangement that is kept; no page is touched here.

/**
 * What is to be kept once panels came that nobody placed: the kept arrangement with the places it lacks.
 *
 * Only places are added, so that choices a person made meanwhile in another window stay theirs. An arrangement that holds nothing
 * else is marked as `automatic`: nobody has arranged anything yet.
 *
 * @param {object|null} kept - the arrangement as the dashboard keeps it now.
 * @param {Record<string, {x: number, y: number, w: number, h: number}>} places - where the panels stand.
 * @param {number} version - of the arrangement's form.
 * @returns {object|null} none where there is nothing to add, or where what is kept has another form.
 */
export function withPlaces(kept, places, version) {
  if (kept && kept.version !== version) return null;
  const known = kept?.places ?? {};
  const fresh = Object.entries(places).filter(([id]) => !known[id]);
  if (!fresh.length) return null;
  const base = kept ?? { version, view: {}, views: {}, hidden: [], own: [], automatic: true };
  return { ...base, places: { ...known, ...Object.fromEntries(fresh) } };
}
