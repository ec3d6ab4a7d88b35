/** Options of a policy by their names, as plain data. What decides by a function is not among them. */
export type PolicySettings = Readonly<Record<string, unknown>>;

/**
 * The options that say how strict a policy is, for reports. Of `names` alone, at every depth: an option that holds a
 * secret is not named, so none can be told.
 */
export function settingsOf(options: object, names: readonly string[]): PolicySettings {
  // A list in this place keeps what it names, and JSON keeps no function.
  return JSON.parse(JSON.stringify(options, [...names])) as PolicySettings;
}
