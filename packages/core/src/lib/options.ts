import { assertConfiguration, ConfigurationError } from './configuration-error.ts';

/** Does not construct with anything but one of the values that an option has. */
export function assertOneOf(
  where: string,
  option: string,
  value: unknown,
  values: readonly unknown[],
): void {
  assertConfiguration(
    values.includes(value),
    `${where}: ${option} must be one of ${JSON.stringify(values)}.`,
  );
}

/** Does not construct with anything but a number within bounds; `unit` is a word for people. */
export function assertBetween(
  where: string,
  option: string,
  value: unknown,
  least: number,
  most: number,
  unit: string,
): void {
  assertConfiguration(
    typeof value === 'number' && value >= least && value <= most,
    `${where}: ${option} must be from ${least} to ${most} ${unit}.`,
  );
}

/** Does not construct with anything but a whole number of `least` or more. */
export function assertCount(where: string, option: string, value: unknown, least = 1): void {
  assertConfiguration(
    Number.isSafeInteger(value) && (value as number) >= least,
    `${where}: ${option} must be a whole number, ${least} or more.`,
  );
}

/** Does not construct with anything but nothing, or an object that has all of the methods. */
export function assertMethods(
  where: string,
  option: string,
  value: object | undefined,
  methods: readonly string[],
  example: string,
): void {
  // Null is here where users have no types: `process.env.REDIS ? redisLimitStore() : null`.
  const given = value as Readonly<Record<string, unknown>> | null | undefined;
  assertConfiguration(
    given === undefined || methods.every((method) => typeof given?.[method] === 'function'),
    `${where}: ${option} must have ${methods.map((method) => `${method}()`).join(' and ')}, ` +
      `like ${example}.`,
  );
}

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
    // Not assertConfiguration: limits are also made by each call, and the message costs more than the look.
    if (known.includes(name)) continue;
    throw new ConfigurationError(
      `${where}: "${name}" is not an option. Options: ${known.join(', ')}.`,
    );
  }
}
