import type { ApiKeyOwner, ApiKeyQuota, ApiKeyTerms } from '../contracts/api-key-store.ts';
import type { Limit } from '../contracts/limit-store.ts';
import { isLimit } from '../contracts/limit-store.ts';
import { addressRanges } from '../lib/addresses.ts';
import { freezeDeep } from '../lib/freeze-deep.ts';
import { parseUrl } from '../lib/parse-url.ts';
import { isStorableText } from '../lib/storable-text.ts';
import { isObject } from '../lib/strict-json.ts';

const MAX_NAME = 128;
const MAX_IDENTIFIER = 256;
const MAX_TOKENS = 100;
const MAX_PEERS = 64;
const MAX_LIMITS = 16;
const MAX_METADATA = 4096;
const MAX_METADATA_DEPTH = 8;
/** The last millisecond that a `Date` can name. */
const LAST_TIME = 8_640_000_000_000_000;

/** RFC 6749 §3.3, of a bounded length. */
const TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/;
const APP = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,199}$/;
const LIMIT_NAME = /^[a-z][a-z0-9_.-]{0,63}$/;

/** Terms that hold and are copied, or why they do not hold. */
export type CheckedTerms =
  | { readonly ok: true; readonly terms: ApiKeyTerms }
  | { readonly ok: false; readonly problem: string };

/**
 * Holds terms to their bounds, so that a record has a greatest size, and copies them, so that nobody changes
 * them afterwards. They may come from a form that strangers fill in: a problem is an answer, not a throw.
 */
export function checkTerms(terms: ApiKeyTerms, isPublishable: boolean): CheckedTerms {
  const { name, scopes, roles, expiresAt, limits, quotas, allowedPeers, metadata } = terms;
  const { publishable } = terms;
  const problem =
    (isText(name, MAX_NAME) ? undefined : `name must be 1 to ${MAX_NAME} characters`) ??
    tokensProblem('scopes', scopes) ??
    tokensProblem('roles', roles) ??
    (expiresAt === undefined || isCount(expiresAt, LAST_TIME)
      ? undefined
      : 'expiresAt must be epoch milliseconds') ??
    namedProblem('limits', limits, isLimit, 'the limits that tokenBucket() and others make') ??
    namedProblem('quotas', quotas, isQuota, '{ limit, window } in whole numbers') ??
    peersProblem(allowedPeers) ??
    publishableProblem(publishable, isPublishable) ??
    metadataProblem(metadata);
  if (problem !== undefined) return { ok: false, problem };
  return {
    ok: true,
    terms: freezeDeep({
      name,
      scopes: scopes && [...new Set(scopes)],
      roles: roles && [...new Set(roles)],
      expiresAt,
      limits: limits && mapValues(limits, copyLimit),
      quotas: quotas && mapValues(quotas, copyQuota),
      allowedPeers: allowedPeers && [...new Set(allowedPeers)],
      publishable: publishable && {
        origins: publishable.origins && [...publishable.origins],
        apps: publishable.apps && [...publishable.apps],
      },
      // It was found to be plain JSON.
      metadata: metadata && (JSON.parse(JSON.stringify(metadata)) as Record<string, unknown>),
    }),
  };
}

/** The names of terms; a record holds no others. */
export const TERMS: readonly (keyof ApiKeyTerms)[] = [
  'name',
  'scopes',
  'roles',
  'expiresAt',
  'limits',
  'quotas',
  'allowedPeers',
  'publishable',
  'metadata',
];

/** Why a term is not one: a misspelled `expiresAt` would make a key that never ends. Undefined where all are known. */
export function unknownTerm(terms: object, known: readonly string[]): string | undefined {
  const unknown = Object.keys(terms).find((name) => !known.includes(name));
  return unknown === undefined
    ? undefined
    : `${JSON.stringify(unknown.slice(0, MAX_NAME))} is not one of ${known.join(', ')}`;
}

/** Why an owner or tenant cannot be stored; undefined where they can. */
export function holderProblem(owner: ApiKeyOwner, tenant: string | undefined): string | undefined {
  const known = isObject(owner) && (owner.type === 'user' || owner.type === 'organisation');
  if (!known || !isIdentifier(owner.id)) {
    return `owner must be { type: 'user' | 'organisation', id: 1 to ${MAX_IDENTIFIER} characters }`;
  }
  return tenant === undefined || isIdentifier(tenant)
    ? undefined
    : `tenant must be 1 to ${MAX_IDENTIFIER} characters`;
}

/** True for text of 1 to `longest` characters that every store can keep. */
export function isText(value: unknown, longest: number): value is string {
  return (
    typeof value === 'string' && value !== '' && value.length <= longest && isStorableText(value)
  );
}

/** True for what can name an owner or a tenant. */
export function isIdentifier(value: unknown): value is string {
  return isText(value, MAX_IDENTIFIER);
}

/** True for a whole number from 0 to `largest`. */
export function isCount(value: unknown, largest: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= largest;
}

/** True for names that quotas can have. */
export function isNames(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length <= MAX_LIMITS &&
    value.every((name) => typeof name === 'string' && LIMIT_NAME.test(name))
  );
}

/** True for what calls may cost in quotas: whole numbers by name. */
export function areCosts(costs: unknown): costs is Readonly<Record<string, number>> {
  return (
    isObject(costs) && Object.values(costs).every((cost) => isCount(cost, Number.MAX_SAFE_INTEGER))
  );
}

function tokensProblem(what: string, tokens: unknown): string | undefined {
  if (tokens === undefined) return undefined;
  const fine =
    Array.isArray(tokens) &&
    tokens.length <= MAX_TOKENS &&
    tokens.every((token) => typeof token === 'string' && TOKEN.test(token));
  return fine
    ? undefined
    : `${what} must be a list of at most ${MAX_TOKENS}, each up to 128 printable ASCII characters ` +
        'without space, quote and backslash';
}

function namedProblem(
  what: string,
  named: unknown,
  isOne: (value: unknown) => boolean,
  shape: string,
): string | undefined {
  if (named === undefined) return undefined;
  const fine =
    isObject(named) &&
    Object.keys(named).length <= MAX_LIMITS &&
    Object.entries(named).every(([name, value]) => LIMIT_NAME.test(name) && isOne(value));
  return fine
    ? undefined
    : `${what} must be at most ${MAX_LIMITS} of ${shape} by names in lower case`;
}

function isQuota(value: unknown): boolean {
  return (
    isObject(value) &&
    isCount(value['limit'], Number.MAX_SAFE_INTEGER) &&
    isCount(value['window'], LAST_TIME) &&
    value['window'] > 0
  );
}

function peersProblem(peers: unknown): string | undefined {
  if (peers === undefined) return undefined;
  const fine = Array.isArray(peers) && peers.length <= MAX_PEERS && peers.every(isRange);
  return fine
    ? undefined
    : `allowedPeers must be at most ${MAX_PEERS} addresses or networks without host bits`;
}

function publishableProblem(terms: unknown, isPublishable: boolean): string | undefined {
  if (!isPublishable) {
    return terms === undefined
      ? undefined
      : 'publishable is for keys of apiKeys({ publishable: true, … })';
  }
  const { origins = [], apps = [] } = isObject(terms) ? terms : {};
  const fine =
    Array.isArray(origins) &&
    Array.isArray(apps) &&
    origins.length + apps.length > 0 &&
    origins.length + apps.length <= MAX_PEERS &&
    origins.every(isPageOrigin) &&
    apps.every((app) => typeof app === 'string' && APP.test(app));
  return fine
    ? undefined
    : `publishable must name 1 to ${MAX_PEERS} places: { origins: ['https://shop.example.com'] }, ` +
        "{ apps: ['com.example.shop'] }, or both";
}

/** An origin as a browser writes it; without TLS only on the machine itself. */
function isPageOrigin(text: unknown): boolean {
  if (typeof text !== 'string' || text.length > MAX_IDENTIFIER) return false;
  const url = parseUrl(text);
  if (url === undefined) return false;
  const { origin, protocol, hostname } = url;
  const isLocal = hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]';
  return origin === text && (protocol === 'https:' || (protocol === 'http:' && isLocal));
}

function isRange(text: unknown): boolean {
  if (typeof text !== 'string' || text.length > MAX_IDENTIFIER) return false;
  try {
    addressRanges([text]);
    return true;
  } catch {
    return false;
  }
}

function metadataProblem(metadata: unknown): string | undefined {
  if (metadata === undefined) return undefined;
  const fine =
    isObject(metadata) &&
    isPlainJson(metadata, MAX_METADATA_DEPTH, { left: MAX_METADATA }) &&
    JSON.stringify(metadata).length <= MAX_METADATA;
  return fine
    ? undefined
    : `metadata must be a JSON object of at most ${MAX_METADATA} characters and ` +
        `${MAX_METADATA_DEPTH} levels`;
}

/**
 * True for what comes back from JSON, and from every store, as it was. The number of values is bounded, since
 * one list that is shared many times is small until it is written out.
 */
function isPlainJson(value: unknown, depth: number, budget: { left: number }): boolean {
  if (--budget.left < 0) return false;
  if (value === null || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value === 'string') return value.length <= MAX_METADATA && isStorableText(value);
  if (typeof value !== 'object' || depth === 0) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return false;
  return Object.entries(value).every(
    ([name, inner]) =>
      name !== '__proto__' && isStorableText(name) && isPlainJson(inner, depth - 1, budget),
  );
}

/** Copies what a limit is made of and nothing beside. */
function copyLimit(limit: Limit): Limit {
  const { algorithm, capacity } = limit;
  if (algorithm !== 'bucket') return { algorithm, capacity, window: limit.window };
  return { algorithm, capacity, refill: limit.refill, period: limit.period };
}

function copyQuota({ limit, window }: ApiKeyQuota): ApiKeyQuota {
  return { limit, window };
}

function mapValues<T>(
  record: Readonly<Record<string, T>>,
  copy: (value: T) => T,
): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, copy(value)]));
}
