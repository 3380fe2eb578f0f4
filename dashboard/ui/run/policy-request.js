// What goes into a request about a policy.

/** Arms a policy that is or was there as it stands. */
export function armContent({ target, formula, policy, parameters, mode, low, high }) {
  return { target, formula, policy, parameters, mode, low, high };
}

/** The columns of an answer; a number JSON has no word for comes as text. */
export function columnsOf(data) {
  const numbers = (column) => (column ?? []).map((one) => (one === null ? NaN : Number(one)));
  return { step: numbers(data?.step), value: numbers(data?.value) };
}
