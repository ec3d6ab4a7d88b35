import type { RawBodyFacts } from '../engine/facts.ts';
import type { BodyOutcome, HeaderEdit } from '../engine/obligations.ts';
import { type Deny, deny, type Outcome, pass, sharedDenial } from '../engine/outcome.ts';
import { definePolicy, type Policy } from '../engine/policy.ts';
import { decodeBase64url, encodeBase64url } from '../lib/base64url.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { isToken } from '../lib/header-syntax.ts';
import { parseMediaType } from '../lib/media-type.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { SAFE_METHODS } from '../lib/safe-methods.ts';
import { assertSecretBytes } from '../lib/secret-bytes.ts';
import { member } from '../lib/strict-json.ts';

/** Options of {@link requireCsrfToken}. */
export interface RequireCsrfTokenOptions<in Needs extends object> {
  /**
   * At least 32 random bytes each, the same on every node. The first signs, all of them are accepted. To rotate,
   * add the new one after the old one everywhere, then move it to the front, then remove the old one.
   */
  readonly secrets: readonly Uint8Array[];
  /**
   * What the token is bound to: the id of the caller's session, which must change when somebody signs in. A token of
   * one session is of no use in another.
   */
  readonly session: (facts: Readonly<Needs>) => string;
  /** The request header in which scripts send the token back. Default: `X-CSRF-Token`. */
  readonly header?: string | undefined;
  /**
   * The field in which a form of a plain HTML page may send the token instead, in `application/x-www-form-urlencoded`
   * or `multipart/form-data`, for example `_csrf`. The host must supply `rawBody`, or parse forms where policies see
   * them. Default: none, so that only scripts can send it.
   */
  readonly formField?: string | undefined;
  /** The cookie that scripts read it from, without its prefix `__Host-`. Default: `csrf`. */
  readonly cookie?: string | undefined;
  /** How long a token is good, from `1m` to `30d`; a new one is sent when half of it is over. Default: `8h`. */
  readonly lifetime?: Duration | undefined;
  /** A cookie without `Secure` and its prefix, for tests over plain HTTP. Default: false. */
  readonly insecureCookie?: boolean | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** What {@link requireCsrfToken} adds. */
export interface CsrfTokenFacts {
  /** The token of this session, for pages that write it into their markup. */
  readonly csrfToken: string;
}

const NAME = 'requireCsrfToken';
const HMAC = { name: 'HMAC', hash: 'SHA-256' };
const MOST_SECRETS = 8;
const RANDOM_BYTES = 16;
/** Expiry in seconds, random text and signature. */
const TOKEN = /^(\d{1,11})\.([\w-]{22})\.([\w-]{43})$/;
const TOKEN_LENGTH = 11 + 1 + 22 + 1 + 43;
/** Longer headers are not looked through. */
const MOST_CHARACTERS = 65_536;
const OPTIONS = [
  'secrets',
  'session',
  'header',
  'formField',
  'cookie',
  'lifetime',
  'insecureCookie',
  'now',
] as const;
const encoder = new TextEncoder();
/** Appended, so that it holds whatever the handler says: a cache must never hand out somebody's cookie. */
const UNCACHED: HeaderEdit = { op: 'append', name: 'cache-control', value: 'no-store' };

const sessionMissing = sharedDenial({ kind: 'internal', code: 'csrf.session_missing' });

/**
 * Denies calls with an unsafe method whose header does not bring back a token of the caller's own session: the signed
 * double-submit cookie of OWASP. For clients that need it (old browsers, an audit that asks for tokens); `crossOrigin`
 * needs none and comes first. The token is in a cookie that only scripts of this origin can read.
 *
 * Header and cookie must both hold a token of this session that is signed here and has not expired. They may be two
 * different ones, so that a page that was opened earlier goes on working while the cookie is renewed. A call without
 * a good cookie gets a new one, also where it is denied: a client may read it and try again.
 *
 * With `formField`, a form may bring it in a field instead: exactly once, and only where the header is not there.
 *
 * Denials: `csrf.token_missing`, `csrf.token_invalid`, `csrf.token_expired` (403); `csrf.session_missing` (500:
 * `session` gave no text). Adds `csrfToken`.
 *
 * @throws ConfigurationError for a secret that is too short, no secret, a header or cookie name that cannot be one, or
 * a lifetime outside 1 minute to 30 days.
 * @example
 * guard()
 *   .use(crossOrigin({ self: 'https://shop.example.com' }))
 *   .use(authenticateSession({ sessions }))
 *   .use(requireCsrfToken({ secrets: [secret], session: (facts) => facts.session.id }))
 */
export function requireCsrfToken<Needs extends object>(
  options: RequireCsrfTokenOptions<Needs>,
): Policy<Needs, CsrfTokenFacts, 'check'> {
  assertKnownOptions(NAME, options, OPTIONS);
  const { session, header = 'X-CSRF-Token', cookie = 'csrf', insecureCookie = false } = options;
  const { formField, now = Date.now } = options;
  const lifetimeMs = durationMs(NAME, 'lifetime', options.lifetime ?? '8h', {
    min: '1m',
    max: '30d',
  });
  assertConfiguration(typeof session === 'function', `${NAME}: session must be a function.`);
  assertConfiguration(
    isToken(header) && !/^(?:cookie|authorization|origin|content-type)$/i.test(header),
    `${NAME}: header must be the name of a header for the token alone, like 'X-CSRF-Token'.`,
  );
  assertConfiguration(
    typeof cookie === 'string' && /^[A-Za-z0-9._-]{1,80}$/.test(cookie) && !cookie.startsWith('__'),
    `${NAME}: cookie must be letters, digits, ".", "_" and "-", without a prefix, which is added here.`,
  );
  assertConfiguration(
    formField === undefined || (typeof formField === 'string' && /^[\w.-]{1,80}$/.test(formField)),
    `${NAME}: formField must be letters, digits, ".", "_" and "-", like '_csrf'.`,
  );
  assertConfiguration(
    typeof insecureCookie === 'boolean',
    `${NAME}: insecureCookie must be true or false.`,
  );
  const cookieName = insecureCookie ? cookie : `__Host-${cookie}`;
  const attributes = `Path=/; SameSite=Strict${insecureCookie ? '' : '; Secure'}`;
  const tokens = signer(options.secrets, lifetimeMs, now);

  const fresh = async (bound: string): Promise<{ token: string; headers: HeaderEdit[] }> => {
    const token = await tokens.issue(bound);
    const maxAge = Math.floor(lifetimeMs / 1000);
    const value = `${cookieName}=${token}; ${attributes}; Max-Age=${maxAge}`;
    return { token, headers: [{ op: 'append', name: 'set-cookie', value }, UNCACHED] };
  };

  const expected = [
    formField === undefined ? header : `${header} or field ${formField}`,
    cookieName,
  ];
  /** What a token that was sent is worth beside the cookie; undefined where the call may pass. */
  const problemOf = async (
    sent: string,
    stored: string | undefined,
    kept: Standing,
    bound: string,
    /** The field of a form that it was looked for in, in place of the header. */
    field: string | undefined,
  ): Promise<Problem | undefined> => {
    const brought = sent === stored ? kept : await tokens.verify(sent, bound);
    const worse = brought === 'good' || brought === 'ageing' ? kept : brought;
    if (worse === 'good' || worse === 'ageing') return undefined;
    const where = field === undefined ? header : `field ${field}`;
    const cause = {
      expected,
      given: [`${IN_WORDS[brought]} in ${where}`, `${IN_WORDS[kept]} in ${cookieName}`],
    };
    return { code: worse, cause };
  };

  return definePolicy<Needs, CsrfTokenFacts, 'check'>({
    name: NAME,
    role: 'check',
    needs: [],
    adds: ['csrfToken'],
    check: async ({ method, headers }, facts): Promise<Outcome<CsrfTokenFacts>> => {
      const bound: unknown = session(facts);
      if (typeof bound !== 'string' || bound === '') return sessionMissing;
      const stored = readCookie(headers.get('cookie'), cookieName);
      const kept = await tokens.verify(stored, bound);
      const replacement = kept === 'good' ? undefined : await fresh(bound);
      const obligations: { headers?: HeaderEdit[]; onMessage?: OnMessage } = {};
      if (replacement !== undefined) obligations.headers = replacement.headers;
      // A WebSocket opens with GET, and then does whatever its messages say.
      if (!SAFE_METHODS.has(method) || headers.has('upgrade')) {
        const sent = headers.get(header) ?? '';
        const type = headers.get('content-type') ?? '';
        const { rawBody } = facts as Partial<RawBodyFacts>;
        const field = sent === '' && isForm(type) ? formField : undefined;
        if (field !== undefined && rawBody === undefined) {
          obligations.onMessage = async (message) => {
            const problem = await problemOf(ownText(message, field), stored, kept, bound, field);
            return problem === undefined ? { ok: true } : denied(problem);
          };
        } else {
          const brought =
            field === undefined || rawBody === undefined
              ? sent
              : await readField(rawBody, type, field);
          const problem = await problemOf(brought, stored, kept, bound, field);
          if (problem !== undefined) return denied(problem, replacement?.headers);
        }
      }
      return pass({ csrfToken: replacement?.token ?? stored ?? '' }, obligations);
    },
  });
}

type OnMessage = (message: unknown) => Promise<BodyOutcome>;

const FORMS: ReadonlySet<string> = new Set([
  'application/x-www-form-urlencoded',
  'multipart/form-data',
]);

function isForm(type: string): boolean {
  return FORMS.has(parseMediaType(type)?.essence ?? '');
}

/** The one value of a field; empty where there is none, several, or a file. */
async function readField(body: Uint8Array, type: string, name: string): Promise<string> {
  try {
    const response = new Response(new Uint8Array(body), { headers: { 'content-type': type } });
    const [value, another] = (await response.formData()).getAll(name);
    return typeof value === 'string' && another === undefined ? value : '';
  } catch {
    // Not a form whatever it says.
    return '';
  }
}

/** A member of a parsed form, which is a list where the field is there several times. */
function ownText(message: unknown, name: string): string {
  if (typeof message !== 'object' || message === null) return '';
  const value = member(message, name);
  return typeof value === 'string' ? value : '';
}

/** Why a call may not pass; `cause` for operators only, with no token in it. */
interface Problem {
  readonly code: Exclude<Standing, 'good' | 'ageing'>;
  readonly cause: object;
}

function denied({ code, cause }: Problem, headers: HeaderEdit[] = []): Deny {
  return deny('forbidden', `csrf.token_${code}`, {
    detail: 'This operation needs the token of your session.',
    cause,
    obligations: { headers },
  });
}

type Standing = 'good' | 'ageing' | 'missing' | 'invalid' | 'expired';

/** In front of the name of a header: behind it they would look like its value, and be redacted. */
const IN_WORDS: Readonly<Record<Standing, string>> = {
  good: 'a good one',
  ageing: 'a good one',
  missing: 'none',
  invalid: 'one that is not of this session',
  expired: 'one that has expired',
};

function signer(secrets: readonly Uint8Array[], lifetimeMs: number, now: () => number) {
  assertConfiguration(
    Array.isArray(secrets) && secrets.length > 0 && secrets.length <= MOST_SECRETS,
    `${NAME}: give 1 to ${MOST_SECRETS} secrets, the one that signs first.`,
  );
  const [current, ...older] = secrets.map(keyFrom);
  return {
    issue: async (session: string): Promise<string> => {
      const expiry = String(Math.floor((now() + lifetimeMs) / 1000));
      const random = encodeBase64url(crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)));
      // There is at least one.
      const key = await (current as () => Promise<CryptoKey>)();
      const mac = await crypto.subtle.sign('HMAC', key, signed(session, expiry, random));
      return `${expiry}.${random}.${encodeBase64url(new Uint8Array(mac))}`;
    },
    /** `ageing`: good, but to be replaced soon. */
    verify: async (token: string | undefined, session: string): Promise<Standing> => {
      if (!token) return 'missing';
      const parts = token.length <= TOKEN_LENGTH ? TOKEN.exec(token) : null;
      const [, expiry = '', random = '', mac = ''] = parts ?? [];
      const signature = decodeBase64url(mac);
      if (parts === null || signature === undefined) return 'invalid';
      const data = signed(session, expiry, random);
      for (const key of [current, ...older]) {
        if (key === undefined) continue;
        if (!(await crypto.subtle.verify('HMAC', await key(), signature, data))) continue;
        const left = Number(expiry) * 1000 - now();
        if (left <= 0) return 'expired';
        return left > lifetimeMs / 2 && key === current ? 'good' : 'ageing';
      }
      return 'invalid';
    },
  };
}

/** JSON keeps the members apart whatever is in them. */
function signed(session: string, expiry: string, random: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(JSON.stringify(['apisec csrf token', session, expiry, random]));
}

/** The key is copied at once and imported once. */
function keyFrom(secret: Uint8Array): () => Promise<CryptoKey> {
  assertSecretBytes(`${NAME}: each secret`, secret);
  const bytes = new Uint8Array(secret);
  let key: Promise<CryptoKey> | undefined;
  return () => (key ??= crypto.subtle.importKey('raw', bytes, HMAC, false, ['sign', 'verify']));
}

/** The one value of a cookie; a repeated one counts as one that is not a token. */
function readCookie(header: string | null | undefined, name: string): string | undefined {
  if (!header) return undefined;
  if (header.length > MOST_CHARACTERS) return '-';
  let value: string | undefined;
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    if (equals < 0 || pair.slice(0, equals).trim() !== name) continue;
    if (value !== undefined) return '-';
    value = pair.slice(equals + 1).trim();
  }
  return value;
}
