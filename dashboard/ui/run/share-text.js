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

/** Why a package cannot be written yet; `""` when it can. */
export function whyNot({ name, author, license }) {
  if (!bundleName(name)) return "Give it a name of letters and figures.";
  if (!author) return "Say who the author is: it stands in the package.";
  if (!license) return "Choose a licence: without one nobody may use it.";
  return "";
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

/** Bytes of a text in base64. */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
}
