// What is known of hyperparameters and policies, as plain functions over what came from the session.

/**
 * Puts news of a beat in place of what the page held.
 *
 * @param {{hyperparameters: object[], policies: object[]}} held
 * @param {object[]} hyperparameters - all, or those that changed.
 * @param {object[]} policies - all that are armed or were; named ones on offer may be left out of a beat.
 * @returns {[object[], object[]]}
 */
export function merged(held, hyperparameters, policies) {
  const fresh = new Map(hyperparameters.map((info) => [info.name, info]));
  const known = held.hyperparameters.map((info) => fresh.get(info.name) ?? info);
  const names = new Set(known.map((info) => info.name));
  const offers = policies.some(isOffered) ? [] : held.policies.filter(isOffered);
  return [[...known, ...hyperparameters.filter((info) => !names.has(info.name))], [...policies, ...offers]];
}

/** Whether it is a named policy that can be chosen. */
export function isOffered(policy) {
  return policy.state === "offered" || !policy.target;
}

/** The policy on a hyperparameter, or null. */
export function policyOf(policies, target) {
  return policies.find((policy) => policy.target === target && !isOffered(policy)) ?? null;
}

const MEMBER = /^(.+)\[(\d+)\]$/;

/**
 * Hyperparameters as the panel shows them: those of single groups lie under the one that stands for all.
 *
 * @param {object[]} infos
 * @returns {{info: object, members: object[]}[]}
 */
export function folded(infos) {
  const names = new Set(infos.map((info) => info.name));
  const rows = new Map();
  for (const info of infos) {
    const parent = parentOf(info.name, names);
    if (parent) rows.get(parent)?.members.push(info);
    else rows.set(info.name, { info, members: [] });
  }
  return [...rows.values()];
}

function parentOf(name, names) {
  const found = name.match(MEMBER);
  return found && names.has(found[1]) ? found[1] : ""; // betas[0] is no group: there is no "betas"
}

/** The group in the name of one group's hyperparameter: `lr[1]` is `["lr", 1]` where there is an `lr`. */
export function groupIn(name, names) {
  const parent = parentOf(name, new Set(names));
  return parent ? [parent, Number(name.match(MEMBER)[2])] : [name, null];
}

/** The value that counts most: what the last update used, or what is in force before there was one. */
export function shownValue(info) {
  return info.used === null || info.used === undefined ? info.value : info.used;
}

/** Whether a slider and a factor make sense for it. */
export function isNumeric(info) {
  return info.kind === "float" || info.kind === "int";
}

/** Whether "× scheduler" can be asked for: somebody else's value must lie below. */
export function isScalable(info) {
  if (info.kind !== "float") return false;
  return info.owner === "scheduler" || (Boolean(info.mode) && (typeof info.base === "number" || Array.isArray(info.base)));
}

/** What a factor is on, as a choice says it. */
export function factorWords(scheduled) {
  return scheduled ? "× scheduler" : "× script's value";
}

/**
 * Who holds a hyperparameter, in a few words.
 *
 * @param {object} info
 * @param {object|null} policy - the policy armed on it.
 * @param {Set<string>} names - of all hyperparameters, to tell a dependency from another policy.
 * @returns {{kind: string, text: string, title: string}}
 */
export function holderOf(info, policy, names) {
  const since = info.since ? `since step ${info.since}` : "from the start";
  switch (info.owner) {
    case "scheduler":
      return { kind: "scheduler", text: "scheduler", title: "Set by the script's learning-rate scheduler." };
    case "person": {
      const name = info.author && info.author !== "person" ? info.author : "by hand";
      const below = policy ? ` The policy ${policy.policy || policy.formula} waits until it is released.` : "";
      return { kind: "person", text: name, title: `Set by a person, ${since}; released, it goes back.${below}` };
    }
    case "policy": {
      const kind = policy && isDependency(policy, names) ? "dependency" : "policy";
      const rule = policy ? `: ${policy.policy || policy.formula}` : "";
      return { kind, text: kind, title: `Set by a ${kind}${rule}, ${since}.` };
    }
    default:
      return { kind: "script", text: "script", title: "As the script set it." };
  }
}

/** Whether a policy reads other hyperparameters. */
export function isDependency(policy, names) {
  return policy.inputs.some((name) => names.has(name));
}

/**
 * What has to be said where the value asked for, the one in force and the one last used differ.
 *
 * @param {object} info
 * @param {(value: *) => string} format
 * @returns {string}
 */
export function differences(info, format) {
  const parts = [];
  if (info.mode === "scale" && info.requested !== null) {
    parts.push(`× ${format(info.requested)} of ${format(info.base)}`);
  } else if (info.owner !== "policy" && info.requested !== null && info.requested !== undefined && !same(info.requested, info.value)) {
    parts.push(`asked for ${format(info.requested)}`);
  }
  // What moves at every step is one step further than the last update, always: that says nothing.
  const moves = info.owner === "policy" || info.owner === "scheduler" || info.mode === "scale";
  if (!moves && info.used !== null && info.used !== undefined && !same(info.used, info.value)) {
    parts.push(`in force ${format(info.value)}`, `last update used ${format(info.used)}`);
  } else if (parts.length && !moves) parts.push(`in force ${format(info.value)}`);
  if (info.mode === "override" && info.base !== null && info.base !== undefined && !same(info.base, info.value)) {
    parts.push(`the script says ${format(info.base)}`);
  }
  return parts.join(" · ");
}

function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}
