// How long a lease lasts, from its sentence.
import { formatCount, spacedNumbers } from "../numbers.js";

/** The steps that are left where the sentence names the step it ends at; 0 where it does not. */
export function leaseLeft(lease, now) {
  const found = lease.match(/step (\d[\d, \u2009\u202f]*)/);
  const end = found ? Number(found[1].replace(/\D/g, "")) : 0;
  return Math.max(0, end - now);
}

/** The sentence with what is left. */
export function leaseText(lease, now) {
  const left = leaseLeft(lease, now);
  const text = spacedNumbers(lease);
  return left ? `${text.replace(/\.$/, "")} · ${formatCount(left)} steps to go` : text;
}
