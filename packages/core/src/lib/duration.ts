import { assertConfiguration } from './configuration-error.ts';

/** A length of time with its unit: `'250ms'`, `'30s'`, `'5m'`, `'1h'`, `'7d'`. A bare number is not one. */
export type Duration = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const DURATION = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h|d)$/;
const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** The bounds of a duration, in the same notation, and what stands where none is given. */
export interface DurationBounds {
  readonly min?: Duration | undefined;
  readonly max?: Duration | undefined;
}

/**
 * Reads an option that is a length of time, as milliseconds. `where` is the factory, `option` the name
 * that users write.
 *
 * @throws ConfigurationError for a bare number, an unknown unit, or a length outside the bounds.
 * @example
 * const timeoutMs = durationMs('remoteJwks', 'timeout', options.timeout ?? '5s', { min: '1ms', max: '1m' });
 */
export function durationMs(
  where: string,
  option: string,
  value: unknown,
  { min = '1ms', max = '3650d' }: DurationBounds = {},
): number {
  const milliseconds = parseDuration(value);
  assertConfiguration(
    milliseconds !== undefined,
    `${where}: ${option} must be a duration with its unit, like '250ms', '30s', '5m', '1h' or '7d'` +
      (typeof value === 'number' ? `; ${value} has no unit.` : '.'),
  );
  assertConfiguration(
    milliseconds >= (parseDuration(min) ?? 0) && milliseconds <= (parseDuration(max) ?? 0),
    `${where}: ${option} must be from ${min} to ${max}.`,
  );
  return milliseconds;
}

function parseDuration(value: unknown): number | undefined {
  const [, amount, unit] = (typeof value === 'string' && DURATION.exec(value)) || [];
  if (amount === undefined || unit === undefined) return undefined;
  return Math.round(Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS]);
}
