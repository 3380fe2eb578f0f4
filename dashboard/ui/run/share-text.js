// The words of Share…, without a page: names of packages, what is missing, what was written and found.

/** The distribution's name that a bundle gets. */
export function bundleName(text, policy = false) {
  const slug = slugOf(text);
  if (/^bidviz-(metric|policy)-/.test(slug)) return slug;
  return slug ? `bidviz-${policy ? "policy" : "metric"}-${slug}` : "";
}

function slugOf(text) {
  return text
    .trim()
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
}

/** A name to begin with: that of the one metric, of the policy's target, or of the page. */
export function nameFor({ metrics = [], policies = [], page = null }) {
  return slugOf(metrics[0] ?? policies[0] ?? page?.title ?? "");
}

/** What a package cannot be written without, in the order of the form's fields: the field, and what is to be done. */
const NEEDED = [
  ["name", bundleName, "Give it a name of letters and figures."],
  ["author", String, "Say who the author is: it stands in the package."],
  ["license", String, "Choose a licence: without one nobody may use it."],
];

/**
 * The first field that lacks something.
 *
 * @param {{name: string, author: string, license: string}} fields
 * @returns {{field: string, text: string}|null}
 */
export function lacking(fields) {
  const found = NEEDED.find(([field, given]) => !given(fields[field]));
  return found ? { field: found[0], text: found[2] } : null;
}

/** The folder that an error says is there already; `""` for any other error. */
export function folderInTheWay(message) {
  return /^(.+) is there already: choose another name or another folder/.exec(message)?.[1] ?? "";
}

/**
 * The journal's last word of a package.
 *
 * @param {object[]} journal
 * @param {{name?: string, folder?: string, since?: number}} which - by its name or its folder; `after`: the number of an entry.
 */
export function lastShared(journal, { name = "", folder = "", after = 0 }) {
  const fits = ({ action, success, detail, number }) =>
    action === "shareBundle" && success && number > after && (folder ? detail.folder === folder : detail.name === name);
  return journal.findLast(fits) ?? null;
}

/**
 * The journal's word of a package that could not be written or checked, unless it was written after that.
 *
 * @param {object[]} journal
 * @param {{name: string, after?: number}} which - `after`: the number of an entry.
 */
export function lastFailed(journal, { name, after = 0 }) {
  const last = journal.findLast(({ action, detail, number }) => action === "shareBundle" && number > after && detail.name === name);
  return last && !last.success ? last : null;
}

/** The written files' paths below the folder. */
export function filesOf({ files = [], folder = "" }) {
  return files.map((file) => (file.startsWith(`${folder}/`) ? file.slice(folder.length + 1) : file));
}

/** What the check found, as `{level, text, help}`: `bad` is to be mended, a `note` is only to be known. */
export function findingsOf(check) {
  return (check ?? []).map((one) => {
    if (typeof one === "string") return { level: "bad", text: one, help: "" };
    const text = [one.about, one.what].filter(Boolean).join(": ");
    return { level: one.level === "note" ? "note" : "bad", text, help: one.mend ?? "" };
  });
}

/**
 * What is said of a package that was written and checked.
 *
 * @param {number} bad - how much is to be mended.
 * @param {number} notes - what else is said of it.
 */
export function writtenText(bad, notes) {
  if (bad) return `Written; the check has ${bad === 1 ? "one finding" : `${bad} findings`} to mend.`;
  const more = notes ? `; it has ${notes === 1 ? "a note" : `${notes} notes`}, below` : "";
  return `Written, and the check found nothing that has to be mended${more}.`;
}

/** Bytes of a text in base64. */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
}
