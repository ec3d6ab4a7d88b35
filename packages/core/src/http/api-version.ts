import type { CallFacts } from '../engine/facts.ts';
import type { Decided, HeaderEdit, Obligations } from '../engine/obligations.ts';
import { type Deny, type Pass, sharedDenial } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy, type VersionInfo } from '../engine/policy.ts';
import { pathOf, type RequestLike } from '../engine/request.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { isToken } from '../lib/header-syntax.ts';
import { parseMoment } from '../lib/moment.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { versionInAccept } from './version-in-accept.ts';

/** What is known of one version. Dates are written `2026-07-01` or `2026-07-01T12:00:00Z`. */
export interface ApiVersionTerms {
  /** Since when, or from when on, nobody should use it any more (`Deprecation`, RFC 9745). */
  readonly deprecatedAt?: string | undefined;
  /** When it ends (`Sunset`, RFC 8594). From then on calls are denied with 410. */
  readonly sunsetAt?: string | undefined;
  /** Where its successor is: an absolute URL, or a path of this API (`Link` with `successor-version`, RFC 5829). */
  readonly successor?: string | undefined;
  /** Where callers read what to do: an absolute URL (`Link` with `deprecation`, RFC 9745 §3). */
  readonly documentation?: string | undefined;
}

/** Which version a call used; see `onUse`. */
export interface ApiVersionUse {
  readonly version: string;
  readonly state: 'current' | 'deprecated' | 'gone';
  /** `id` of the principal, where the guard has found out who calls: put `authenticate*` in front. */
  readonly caller: string | undefined;
  readonly operation: string;
}

/** Options of {@link apiVersion}. */
export interface ApiVersionOptions<Name extends string> {
  /**
   * Every version by its name: `1`, `2.1`, `2.1.3`, or a date like `2026-07-01`. A call for `2` gets the newest `2.x`.
   */
  readonly versions: Readonly<Record<Name, ApiVersionTerms>>;
  /**
   * Where a call says it: `path` (`/v2/orders`), or behind a prefix of the path (`{ pathAfter: '/api' }`, for
   * `/api/v2/orders`); a header (`{ header: 'api-version' }`), or the media type in `Accept`
   * (`application/json; version=2`, `application/vnd.example.v2+json`).
   */
  readonly from:
    | 'path'
    | 'mediaType'
    | { readonly pathAfter: string }
    | { readonly header: string };
  /** The version of calls that say none; not with `path`. Default: these are denied. */
  readonly default?: Name | undefined;
  /** Told once of each decided call, to count who still uses what. What it throws goes to `onFault`. */
  readonly onUse?: ((use: ApiVersionUse) => void) | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** What {@link apiVersion} adds. */
export interface ApiVersionFacts<Name extends string> {
  /** The version that answers the call, by its full name. Audit events have it too. */
  readonly apiVersion: Name;
}

const NAME = 'apiVersion';
const SEMANTIC = /^(?:0|[1-9]\d{0,5})(?:\.(?:0|[1-9]\d{0,5})){0,2}$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const AT_START = /^\/v([\d.]{1,22})(?=\/|$)/;
const PREFIX = /^(?:\/(?!v\d|\.)[\w.~-]+)+$/;

/**
 * Denies calls for versions of the API that are unknown or have ended, and tells callers of deprecated ones until when
 * they are there and what follows. Adds the fact `apiVersion`.
 *
 * Denials: `version.malformed` (400), `version.missing` and `version.unknown` (400, in a path 404), `version.gone`
 * (410, with `Sunset` and `Link`).
 *
 * @throws ConfigurationError for names that are not versions, dates that are not, a sunset before its deprecation,
 * links that are not URLs, and a `default` that is not in the list.
 * @example
 * apiVersion({
 *   from: 'path',
 *   versions: {
 *     '1': { deprecatedAt: '2026-01-01', sunsetAt: '2027-01-01', successor: '/v2' },
 *     '2': {},
 *   },
 * })
 */
export function apiVersion<const Name extends string>(
  options: ApiVersionOptions<Name>,
): SyncPolicy<CallFacts, ApiVersionFacts<Name>, 'check'> {
  assertKnownOptions(NAME, options, ['versions', 'from', 'default', 'onUse', 'now']);
  const { versions, from, onUse, now = Date.now } = options;
  const read = readerOf(from);
  const isPath = from === 'path' || (typeof from === 'object' && 'pathAfter' in from);
  assertConfiguration(
    typeof versions === 'object' && versions !== null && Object.keys(versions).length > 0,
    `${NAME}: versions must name at least one, like { '1': {} }.`,
  );
  const table = new Map<string, Version<Name>>();
  const own: Version<Name>[] = [];
  // Ascending, so that what is asked for by a part of its name ends with the newest.
  for (const name of Object.keys(versions).toSorted(byNumbers)) {
    // A key of the record.
    const version = versionOf(name as Name, versions[name as Name], onUse);
    own.push(version);
    for (const prefix of prefixesOf(name)) table.set(prefix, version);
  }
  // A shorter name that is itself in the list is that version, not the newest below it.
  for (const version of own) table.set(version.name, version);
  const fallback = options.default === undefined ? undefined : table.get(options.default);
  assertConfiguration(
    options.default === undefined || (fallback?.name === options.default && !isPath),
    isPath
      ? `${NAME}: leave out default with versions in the path: a misspelled version would count as a missing one.`
      : `${NAME}: default must be one of the versions.`,
  );
  const denials = {
    missing: denial(isPath ? 'not_found' : 'malformed', 'missing', 'Say which version you call.'),
    malformed: denial('malformed', 'malformed', 'The version is not well-formed.'),
    unknown: denial(isPath ? 'not_found' : 'malformed', 'unknown', 'There is no such version.'),
  };
  const varies = isPath ? undefined : from === 'mediaType' ? 'Accept' : from.header;
  return definePolicy({
    name: NAME,
    role: 'check',
    needs: [],
    adds: ['apiVersion'],
    versions: own.map(({ info }) => info),
    ...(varies !== undefined && {
      always: { headers: [{ op: 'append', name: 'vary', value: varies }] },
    }),
    check: (request) => {
      const asked = read(request);
      if (asked === undefined) return fallback?.outcomeAt(now()) ?? denials.missing;
      if (!SEMANTIC.test(asked) && !DATE.test(asked)) return denials.malformed;
      return table.get(asked)?.outcomeAt(now()) ?? denials.unknown;
    },
  });
}

interface Version<Name extends string> {
  readonly name: Name;
  readonly info: VersionInfo;
  readonly outcomeAt: (time: number) => Pass<ApiVersionFacts<Name>> | Deny;
}

function versionOf<Name extends string>(
  name: Name,
  terms: ApiVersionTerms,
  onUse: ApiVersionOptions<Name>['onUse'],
): Version<Name> {
  const where = `${NAME}: versions: ${JSON.stringify(name)}`;
  assertConfiguration(
    SEMANTIC.test(name) || DATE.test(name),
    `${where} is not a version. Write '1', '2.1', '2.1.3' or a date like '2026-07-01'.`,
  );
  assertKnownOptions(where, terms, ['deprecatedAt', 'sunsetAt', 'successor', 'documentation']);
  const deprecatedAt = readMoment(where, 'deprecatedAt', terms.deprecatedAt);
  const sunsetAt = readMoment(where, 'sunsetAt', terms.sunsetAt);
  assertConfiguration(
    sunsetAt === undefined || deprecatedAt === undefined || sunsetAt >= deprecatedAt,
    `${where}: sunsetAt must not come before deprecatedAt (RFC 9745 §4).`,
  );
  const headers: HeaderEdit[] = [];
  if (deprecatedAt !== undefined) {
    headers.push({ op: 'set', name: 'deprecation', value: `@${Math.floor(deprecatedAt / 1_000)}` });
  }
  if (sunsetAt !== undefined) {
    headers.push({ op: 'set', name: 'sunset', value: new Date(sunsetAt).toUTCString() });
  }
  const links = [
    link(where, 'successor', terms.successor, 'successor-version'),
    link(where, 'documentation', terms.documentation, 'deprecation'),
  ].filter((each) => each !== '');
  if (links.length > 0) headers.push({ op: 'append', name: 'link', value: links.join(', ') });

  const obligations = (state: ApiVersionUse['state']): Obligations => ({
    headers,
    ...(onUse && { onDecision: (decided) => onUse(useOf(name, state, decided)) }),
  });
  const passing = (state: ApiVersionUse['state']): Pass<ApiVersionFacts<Name>> =>
    Object.freeze({
      ok: true,
      facts: Object.freeze({ apiVersion: name }),
      obligations: obligations(state),
    });
  const current = passing('current');
  const deprecated = passing('deprecated');
  const gone = sharedDenial(
    {
      kind: 'gone',
      code: 'version.gone',
      detail: 'This version of the API has ended.',
      cause: { version: name, sunsetAt: terms.sunsetAt },
    },
    { obligations: obligations('gone') },
  );
  return {
    name,
    info: Object.freeze({ name, deprecatedAt, sunsetAt, successor: terms.successor }),
    outcomeAt: (time) => {
      if (sunsetAt !== undefined && time >= sunsetAt) return gone;
      return deprecatedAt !== undefined && time >= deprecatedAt ? deprecated : current;
    },
  };
}

function useOf(version: string, state: ApiVersionUse['state'], { facts }: Decided): ApiVersionUse {
  const { principal, call } = facts as Partial<CallFacts> & {
    readonly principal?: { readonly id?: string };
  };
  return { version, state, caller: principal?.id, operation: call?.operation ?? '' };
}

function denial(kind: 'malformed' | 'not_found', problem: string, detail: string): Deny {
  return sharedDenial({ kind, code: `version.${problem}`, detail });
}

/** `2.1.3` is asked for as `2` and `2.1` too; a date only as it is. */
function prefixesOf(name: string): readonly string[] {
  if (DATE.test(name)) return [name];
  const parts = name.split('.');
  return parts.map((_, at) => parts.slice(0, at + 1).join('.'));
}

function byNumbers(one: string, other: string): number {
  const [left, right] = [one.split(/[.-]/).map(Number), other.split(/[.-]/).map(Number)];
  for (let at = 0; at < 3; at++) {
    const order = (left[at] ?? 0) - (right[at] ?? 0);
    if (order !== 0) return order;
  }
  return 0;
}

type Reader = (request: RequestLike) => string | undefined;

function readerOf(from: unknown): Reader {
  if (from === 'path') return (request) => inPath(pathOf(request));
  if (from === 'mediaType') return ({ headers }) => versionInAccept(headers.get('accept') ?? '');
  const { header, pathAfter } = (from ?? {}) as Partial<Record<'header' | 'pathAfter', unknown>>;
  if (header === undefined && pathAfter !== undefined) return behind(pathAfter);
  assertConfiguration(
    isToken(header) && pathAfter === undefined,
    `${NAME}: from must be 'path', 'mediaType', { pathAfter: '/api' } or { header: 'api-version' }.`,
  );
  return ({ headers }) => headers.get(header) ?? undefined;
}

const inPath = (path: string): string | undefined => AT_START.exec(path)?.[1];

/** By the exact text: what a router takes for the same path, as `/API` or `/%61pi`, says no version. */
function behind(prefix: unknown): Reader {
  assertConfiguration(
    typeof prefix === 'string' && PREFIX.test(prefix),
    `${NAME}: pathAfter must be the plain segments before the version, like '/api'.`,
  );
  return (request) => {
    const path = pathOf(request);
    return path.startsWith(prefix) ? inPath(path.slice(prefix.length)) : undefined;
  };
}

function readMoment(where: string, option: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const time = parseMoment(value);
  assertConfiguration(
    time !== undefined,
    `${where}: ${option} must be a date like '2026-07-01' or '2026-07-01T12:00:00Z'.`,
  );
  return time;
}

function link(where: string, option: string, value: unknown, relation: string): string {
  if (value === undefined) return '';
  assertConfiguration(
    typeof value === 'string' &&
      (/^\/(?!\/)[!#-;=?-[\]-~]*$/.test(value) ||
        (/^https?:\/\/[!#-;=?-[\]-~]+$/.test(value) && URL.canParse(value))),
    `${where}: ${option} must be an absolute URL or a path of this API.`,
  );
  return `<${value}>; rel="${relation}"`;
}
