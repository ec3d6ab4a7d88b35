import { locateCredential } from '../engine/credential-place.ts';
import type { Challenge, DenialKind } from '../engine/denial.ts';
import type { AuthenticatedFacts, Peer } from '../engine/facts.ts';
import { type Deny, type Outcome, sharedDenial } from '../engine/outcome.ts';
import { definePolicy, type Policy } from '../engine/policy.ts';
import { principalId } from '../engine/principal-id.ts';
import type { HeadersView } from '../engine/request.ts';
import { addressRanges, parseAddress } from '../lib/addresses.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { isToken } from '../lib/header-syntax.ts';
import { isThenable } from '../lib/maybe-promise.ts';
import { assertKnownOptions } from '../lib/options.ts';
import type { ApiKeyDenialCode, ApiKeys, ApiKeyVerification, VerifiedApiKey } from './api-key.ts';

/** Options of {@link authenticateApiKey}. */
export interface AuthenticateApiKeyOptions {
  /** Whose keys are accepted. */
  readonly keys: Pick<ApiKeys, 'verify' | 'prefix'>;
  /** The header that holds the key and nothing else. Default: `x-api-key`, unless `scheme` is given. */
  readonly header?: string | undefined;
  /**
   * Take the key from `Authorization: <scheme> <key>` instead. With `Bearer`, a token that does not begin
   * with the keys' prefix is left to the policy for access tokens: put that one behind this in `anyOf`.
   */
  readonly scheme?: string | undefined;
  /**
   * Accept a key in `header` although the call has an `Authorization` header as well, for hosts whose own
   * front end uses that one. Default: such a call is denied, since it names two callers.
   */
  readonly insecureIgnoreAuthorization?: boolean | undefined;
  /** The subject that a key acts as. Default: its owner, as `user:<id>` or `organisation:<id>`. */
  readonly subject?: ((key: VerifiedApiKey) => string) | undefined;
}

const OPTIONS = ['keys', 'header', 'scheme', 'insecureIgnoreAuthorization', 'subject'] as const;

/** What {@link authenticateApiKey} adds. */
export interface ApiKeyFacts extends AuthenticatedFacts {
  readonly apiKey: VerifiedApiKey;
}

type Found =
  | { readonly kind: 'key'; readonly text: string }
  | { readonly kind: 'missing' | 'malformed' | 'repeated' | 'multiple' };

const denials: Readonly<
  Record<ApiKeyDenialCode, { readonly kind: DenialKind; readonly detail: string }>
> = {
  'api_key.malformed': { kind: 'unauthenticated', detail: 'The API key is not well formed.' },
  'api_key.wrong_environment': {
    kind: 'unauthenticated',
    detail: 'The API key belongs to another environment.',
  },
  'api_key.unknown': { kind: 'unauthenticated', detail: 'The API key is not known.' },
  'api_key.revoked': { kind: 'unauthenticated', detail: 'The API key was revoked.' },
  'api_key.expired': { kind: 'unauthenticated', detail: 'The API key has expired.' },
  'api_key.rotated': { kind: 'unauthenticated', detail: 'The API key was replaced by a new one.' },
  // It is the right key and may come back: the caller must not throw it away, as a 401 would have it.
  'api_key.disabled': { kind: 'forbidden', detail: 'The API key is disabled.' },
  'api_key.overloaded': {
    kind: 'unavailable',
    detail: 'Too many unknown API keys are being verified at the moment.',
  },
  'api_key.store_unavailable': {
    kind: 'unavailable',
    detail: 'The API key cannot be verified at the moment.',
  },
};

/**
 * Finds out who calls by an API key; denies keys that are not good, and admits nobody by itself. The key is
 * taken from one header, never from the URL. Adds `principal` (one for each key), `authentication`, and
 * `apiKey` with owner, limits, quotas and metadata.
 *
 * Denies with 401 and the challenge `ApiKey header="x-api-key"` (not a registered scheme; with `scheme`, that
 * one): `credentials.missing` without a key, the only denial that another alternative of `anyOf` may save;
 * `api_key.malformed`, `.wrong_environment`, `.unknown`, `.revoked`, `.expired`, `.rotated`. With 403:
 * `api_key.disabled`, `api_key.peer_not_allowed`. With 400: `credentials.repeated` for more than one key,
 * `credentials.malformed`, `credentials.multiple` for a key beside `Authorization`. With 503:
 * `api_key.store_unavailable`, and `api_key.overloaded` for a key that was not good lately while many such come.
 *
 * @throws ConfigurationError without keys, or for a header or scheme that is none.
 * @example
 * const orders = guard().use(authenticateApiKey({ keys })).use(requireScopes('orders:read'));
 */
export function authenticateApiKey(
  options: AuthenticateApiKeyOptions,
): Policy<{ readonly peer: Peer }, ApiKeyFacts, 'check'> {
  assertKnownOptions('authenticateApiKey', options, OPTIONS);
  const { keys, scheme, subject = ownerOf } = options;
  assertConfiguration(
    typeof keys?.verify === 'function' && typeof keys.prefix === 'string',
    'authenticateApiKey: pass the keys to accept, { keys: apiKeys({ … }) }.',
  );
  assertConfiguration(
    options.header === undefined || scheme === undefined,
    'authenticateApiKey: take the key from a header or by a scheme of Authorization, not both.',
  );
  const { header = 'x-api-key' } = options;
  assertConfiguration(
    isToken(header) && header.toLowerCase() !== 'authorization',
    'authenticateApiKey: header must be a header name; for Authorization name the scheme.',
  );
  assertConfiguration(
    scheme === undefined || isToken(scheme),
    'authenticateApiKey: scheme must be an authentication scheme, for example "ApiKey".',
  );
  const challenge: Challenge =
    scheme === undefined ? { scheme: 'ApiKey', params: { header } } : { scheme };
  const find =
    scheme === undefined
      ? inHeader(header, options.insecureIgnoreAuthorization === true)
      : inAuthorization(scheme, keys.prefix);
  const deny = (kind: DenialKind, code: string, detail: string, cause?: unknown): Deny => {
    const challenges = kind === 'unauthenticated' ? [challenge] : undefined;
    const denial = sharedDenial({ kind, code, detail, challenges, cause });
    return code === 'credentials.missing' ? denial : Object.freeze({ ...denial, conclusive: true });
  };
  const unusable = {
    missing: deny('unauthenticated', 'credentials.missing', 'This operation needs an API key.'),
    malformed: deny(
      'malformed',
      'credentials.malformed',
      'The Authorization header is not well formed.',
    ),
    repeated: deny('malformed', 'credentials.repeated', 'Exactly one API key must be sent.'),
    multiple: deny(
      'malformed',
      'credentials.multiple',
      'The call has both an API key and an Authorization header.',
    ),
  };
  const notAllowed = deny(
    'forbidden',
    'api_key.peer_not_allowed',
    'The API key may not be used from this address.',
  );

  type Answer = (peer: Peer) => Outcome<ApiKeyFacts>;
  const admit = (key: VerifiedApiKey): Answer => {
    const issuer = `api_key:${keys.prefix}_${key.environment}`;
    const outcome: Outcome<ApiKeyFacts> = Object.freeze({
      ok: true,
      facts: Object.freeze({
        principal: Object.freeze({
          id: principalId(issuer, key.id),
          issuer,
          subject: subject(key),
          tenant: key.tenant,
          scopes: key.scopes,
          roles: key.roles,
        }),
        authentication: Object.freeze({
          method: 'api_key',
          scheme: challenge.scheme,
          claims: NO_CLAIMS,
          expiresAt: key.expiresAt,
        }),
        apiKey: key,
      }),
    });
    if (key.allowedPeers === undefined) return () => outcome;
    const isAllowed = addressRanges(key.allowedPeers);
    return ({ address }) =>
      address !== undefined && isAllowed(parseAddress(address)) ? outcome : notAllowed;
  };
  const answerTo = (result: ApiKeyVerification): Answer => {
    if (result.ok) return admit(result.key);
    const { kind, detail } = denials[result.code];
    const cause = result.cause ?? (result.id === undefined ? undefined : { apiKey: result.id });
    const outcome = deny(kind, result.code, detail, cause);
    return () => outcome;
  };
  // A verification that is answered again is the same object, so what follows from it is made once.
  const answers = new WeakMap<ApiKeyVerification, Answer>();
  const conclude = (result: ApiKeyVerification, peer: Peer): Outcome<ApiKeyFacts> => {
    let answer = answers.get(result);
    if (answer === undefined) {
      answer = answerTo(result);
      answers.set(result, answer);
    }
    return answer(peer);
  };

  const policy = definePolicy<{ readonly peer: Peer }, ApiKeyFacts, 'check'>({
    name: 'authenticateApiKey',
    role: 'check',
    needs: ['peer'],
    adds: ['principal', 'authentication', 'apiKey'],
    check: ({ headers }, { peer }) => {
      const found = find(headers);
      if (found.kind !== 'key') return unusable[found.kind];
      const result = keys.verify(found.text, peer.id);
      return isThenable(result)
        ? result.then((late) => conclude(late, peer))
        : conclude(result, peer);
    },
  });
  // Where another credential is there on purpose, it does not make a second caller.
  if (options.insecureIgnoreAuthorization === true) return policy;
  const place = scheme === undefined ? header.toLowerCase() : 'authorization';
  return locateCredential(policy, ({ headers }) =>
    find(headers).kind === 'missing' ? undefined : place,
  );
}

const NO_CLAIMS: Readonly<Record<string, unknown>> = Object.freeze({});
const MISSING: Found = Object.freeze({ kind: 'missing' });
const MALFORMED: Found = Object.freeze({ kind: 'malformed' });
const REPEATED: Found = Object.freeze({ kind: 'repeated' });
const MULTIPLE: Found = Object.freeze({ kind: 'multiple' });

function inHeader(header: string, ignoreAuthorization: boolean): (headers: HeadersView) => Found {
  return (headers) => {
    const text = headers.get(header);
    if (text === null || text === undefined) return MISSING;
    if (!ignoreAuthorization && headers.has('authorization')) return MULTIPLE;
    // A repeated header arrives joined with commas; a key has none.
    return text.includes(',') ? REPEATED : { kind: 'key', text };
  };
}

function inAuthorization(scheme: string, prefix: string): (headers: HeadersView) => Found {
  const begins = `${scheme.toLowerCase()} `;
  const isShared = begins === 'bearer ';
  return (headers) => {
    const value = headers.get('authorization');
    if (value === null || value === undefined) return MISSING;
    const own = value.slice(0, begins.length).toLowerCase();
    if (own === begins.trimEnd()) return isShared ? MISSING : MALFORMED;
    if (own !== begins) return MISSING;
    const text = value.slice(begins.length).trimStart();
    if (text.includes(',')) return REPEATED;
    return isShared && !text.startsWith(`${prefix}_`) ? MISSING : { kind: 'key', text };
  };
}

function ownerOf({ owner }: VerifiedApiKey): string {
  return `${owner.type}:${owner.id}`;
}
