import { boundedCache } from '../lib/bounded-cache.ts';
import type { CleanName } from './clean-names.ts';
import type { AuditEvent } from './event.ts';
import { jsonMembers } from './json-line.ts';
import type { Called, Identity } from './read-facts.ts';
import { redactPath } from './redact.ts';

/** Some members of an event, with their text in its line and their length in UTF-16 code units. */
export interface EventPart {
  readonly members: Partial<AuditEvent>;
  readonly json: string;
  readonly units: number;
}

type Members = { -readonly [Member in keyof AuditEvent]?: AuditEvent[Member] };

export function partOf(members: Partial<AuditEvent>): EventPart {
  return Object.freeze({ members, json: jsonMembers(members), units: unitsOf(members) });
}

export const NO_PART: EventPart = partOf({});

/** Of strings, lists of strings and flat objects. */
export function unitsOf(members: Partial<AuditEvent>): number {
  let units = 0;
  for (const member in members) {
    // The names are those of the loop.
    const value: unknown = members[member as keyof AuditEvent];
    if (typeof value === 'string') units += value.length;
    else if (Array.isArray(value)) for (const text of value) units += String(text).length;
    else if (typeof value === 'object' && value !== null) {
      for (const [name, text] of Object.entries(value)) units += name.length + String(text).length;
    }
  }
  return units;
}

/** Members of who calls, in the order of an event. */
const IDENTITY = [
  'principal',
  'subject',
  'issuer',
  'client',
  'tenant',
  'authentication',
  'apiKey',
  'apiVersion',
] as const satisfies readonly (keyof Identity)[];

const NONE: readonly string[] = Object.freeze([]);

/** Who calls, cleaned. */
export function whoMembers(
  identity: Identity,
  clean: CleanName,
  secrets: readonly string[],
): Members {
  const members: Members = {};
  for (const member of IDENTITY) {
    // Callers do not choose how they authenticate, so it is not searched for their secrets.
    const text = clean(identity[member], member === 'authentication' ? NONE : secrets);
    if (text !== undefined) members[member] = text;
  }
  return members;
}

/** What is called, cleaned. */
export function whatMembers(called: Called, clean: CleanName, secrets: readonly string[]): Members {
  const members: Members = {};
  const protocol = clean(called.protocol, NONE);
  if (protocol !== undefined) members.protocol = protocol;
  const named = clean(called.operation, secrets);
  const operation = named === undefined ? undefined : redactPath(named);
  const coordinates = clean(called.coordinates, secrets);
  if (coordinates !== undefined) {
    members.operation = coordinates;
    if (operation !== undefined) members.operationName = operation;
  } else if (operation !== undefined) members.operation = operation;
  return members;
}

/** As many callers and operations as a busy process sees in a minute. */
const BOUNDS = { maxEntries: 4_096, maxBytes: 4 << 20 };
/** Objects and fixed texts of one entry, in bytes. */
const OVERHEAD = 512;
/** Parts from longer texts are not cached: there are few, and callers must not fill the cache with them. */
const LONGEST = 1_024;

/**
 * Remembers a part by what it was made of, under one of its texts: it is told again only where `same` says that every
 * one of them is.
 */
export function rememberedParts<Raw extends object, Part extends EventPart>(
  keyOf: (raw: Raw) => unknown,
  same: (one: Raw, other: Raw) => boolean,
  make: (raw: Raw) => Part,
): (raw: Raw) => Part {
  const known = boundedCache<{ readonly raw: Raw; readonly part: Part }>(BOUNDS);
  return (raw) => {
    const named = keyOf(raw);
    const key = typeof named === 'string' ? named : '';
    const before = known.get(key);
    if (before !== undefined && same(before.raw, raw)) return before.part;
    const part = make(raw);
    const length = textLength(raw);
    if (length <= LONGEST) {
      known.set(key, { raw, part }, OVERHEAD + 2 * (length + 2 * part.units + part.json.length));
    }
    return part;
  };
}

/** The length of all its texts; infinite if one is not text, which must not be kept. */
function textLength(raw: object): number {
  let length = 0;
  for (const value of Object.values(raw) as unknown[]) {
    if (typeof value === 'string') length += value.length;
    else if (value !== undefined) return Number.POSITIVE_INFINITY;
  }
  return length;
}
