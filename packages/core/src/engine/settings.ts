/** Options of a policy by their names, as plain data. What decides by a function is not among them. */
export type PolicySettings = Readonly<Record<string, unknown>>;

/**
 * The options that determine how strict a policy is, for reports. Only `names`, at every depth: an option that holds a
 * secret is never named, so it cannot be reported.
 */
export function settingsOf(options: object, names: readonly string[]): PolicySettings {
  // An array in this argument keeps only the names in it, and JSON drops functions.
  return JSON.parse(JSON.stringify(options, [...names])) as PolicySettings;
}
