import { assertConfiguration } from '../configuration-error.ts';

/**
 * Does not construct with an option that the factory does not know: in JavaScript a misspelled name would
 * otherwise switch a protection off in silence.
 *
 * @throws ConfigurationError naming the unknown option, and the known ones.
 */
export function assertKnownOptions(
  where: string,
  options: unknown,
  known: readonly string[],
): void {
  assertConfiguration(
    typeof options === 'object' && options !== null && !Array.isArray(options),
    `${where}: options must be an object with ${known.join(', ')}.`,
  );
  for (const name of Object.keys(options)) {
    assertConfiguration(
      known.includes(name),
      `${where}: "${name}" is not an option. Options: ${known.join(', ')}.`,
    );
  }
}
