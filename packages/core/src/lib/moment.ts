const MOMENT = /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2})?Z)?$/;

/**
 * Epoch milliseconds of a configured moment, `2026-07-01` or `2026-07-01T12:00:00Z`; undefined for anything else, and
 * for days that no calendar has: `2026-02-30` would be the second of March.
 */
export function parseMoment(value: unknown): number | undefined {
  const [text, day] = (typeof value === 'string' && MOMENT.exec(value)) || [];
  if (text === undefined || day === undefined) return undefined;
  const midnight = Date.parse(day);
  const time = Date.parse(text);
  if (Number.isNaN(midnight) || Number.isNaN(time)) return undefined;
  return new Date(midnight).toISOString().startsWith(day) ? time : undefined;
}

/** Epoch milliseconds for people to read, also where no calendar goes so far. */
export function momentText(at: number): string {
  return Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : String(at);
}
