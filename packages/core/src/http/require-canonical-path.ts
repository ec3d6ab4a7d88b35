import { type Deny, type NoFacts, pass, sharedDenial } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import { pathOf } from '../engine/request.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions } from '../lib/options.ts';

/** What {@link requireCanonicalPath} can be set to allow. */
export type PathException = 'encoded-slash' | 'semicolon' | 'empty-segment';

/** Options of {@link requireCanonicalPath}. */
export interface RequireCanonicalPathOptions {
  /**
   * Spellings that the API needs: `encoded-slash` (ids with `%2F`), `semicolon` (matrix parameters), `empty-segment`
   * (`//`). Default: none.
   */
  readonly allow?: readonly PathException[] | undefined;
}

const NAME = 'requireCanonicalPath';
const EXCEPTIONS: readonly PathException[] = ['encoded-slash', 'semicolon', 'empty-segment'];
/** `.` and `..` as a segment, plain and encoded, also in front of a semicolon. */
const DOTS = /\/(?:\.|%2e){1,2}(?=[/;]|%3b|$)/i;
/**
 * What no path of a URL holds as it is, or even encoded: controls, backslashes, a percent sign that encodes nothing.
 */
const NEVER = /[^!-~]|[\\#]|%(?![\da-f]{2})|%(?:[01][\da-f]|7f|5c)/i;
/** In a decoded path: an escape, so that who decodes twice sees another path, and controls and line ends of Unicode. */
const NEVER_DECODED = /%(?:[\da-f]{2}|u[\da-f]{4})|[\u0080-\u009f\u2028\u2029]/i;

/** What is wrong, for operators; the path itself may hold a secret. */
const denied = {
  character: denial('a character or an escape that no path has'),
  dots: denial('a dot segment'),
  slash: denial("an encoded slash: allow: ['encoded-slash']"),
  semicolon: denial("a semicolon: allow: ['semicolon']"),
  empty: denial("an empty segment: allow: ['empty-segment']"),
  encoding: denial('an escape that is not UTF-8, or that is encoded twice'),
};

/**
 * Denies paths that proxies, routers and handlers read differently: dot segments, backslashes, control characters,
 * broken or double encoding, escapes that are not UTF-8, and, unless they are allowed, encoded slashes, semicolons and
 * empty segments. What a proxy in front decides by a path then holds for the server behind it. Linear.
 *
 * On Node the path is the one on the wire. Fetch hosts have resolved plain dot segments and backslashes by then.
 *
 * Denial: `call.path_ambiguous` (400).
 *
 * @throws ConfigurationError for an unknown option or exception.
 * @example
 * requireCanonicalPath({ allow: ['encoded-slash'] })
 */
export function requireCanonicalPath(
  options: RequireCanonicalPathOptions = {},
): SyncPolicy<NoFacts, NoFacts, 'check'> {
  assertKnownOptions(NAME, options, ['allow']);
  const { allow = [] } = options;
  assertConfiguration(
    Array.isArray(allow) && allow.every((each) => EXCEPTIONS.includes(each)),
    `${NAME}: allow must be a list of ${EXCEPTIONS.map((each) => `'${each}'`).join(', ')}.`,
  );
  const slash = allow.includes('encoded-slash');
  const semicolon = allow.includes('semicolon');
  const empty = allow.includes('empty-segment');
  return definePolicy({
    name: NAME,
    role: 'check',
    needs: [],
    adds: [],
    check: (request) => {
      const path = pathOf(request);
      if (NEVER.test(path)) return denied.character;
      if (DOTS.test(slash ? path.replace(/%2f/gi, '/') : path)) return denied.dots;
      if (!slash && /%2f/i.test(path)) return denied.slash;
      if (!semicolon && /;|%3b/i.test(path)) return denied.semicolon;
      if (!empty && path.includes('//')) return denied.empty;
      return isDecodable(path) ? pass() : denied.encoding;
    },
  });
}

function denial(cause: string): Deny {
  return sharedDenial({
    kind: 'malformed',
    code: 'call.path_ambiguous',
    detail: 'The path can be read in several ways. Send it in its one plain spelling.',
    cause,
  });
}

/** UTF-8, and plain once it is decoded. */
function isDecodable(path: string): boolean {
  if (!path.includes('%')) return true;
  try {
    return !NEVER_DECODED.test(decodeURIComponent(path));
  } catch {
    return false;
  }
}
