import { assertConfiguration } from '../configuration-error.ts';

/** Refuses to construct with anything but one of the values that an option has. */
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

/** Refuses to construct with anything but a number within bounds; `unit` is a word for people. */
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

/** Refuses to construct with anything but nothing, or an object that has all of the methods. */
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
