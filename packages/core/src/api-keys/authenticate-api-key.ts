import type { PublishableTerms } from '../contracts/api-key-store.ts';
import { locateCredential } from '../engine/credential-place.ts';
import type { Challenge, DenialKind } from '../engine/denial.ts';
import type { AuthenticatedFacts, Peer } from '../engine/facts.ts';
import { type Deny, type Outcome, sharedDenial, withCause } from '../engine/outcome.ts';
import { definePolicy, type Policy } from '../engine/policy.ts';
import { principalId } from '../engine/principal-id.ts';
import type { HeadersView } from '../engine/request.ts';
import { settingsOf } from '../engine/settings.ts';
import { addressRanges, parseAddress } from '../lib/addresses.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { isToken } from '../lib/header-syntax.ts';
import { isThenable } from '../lib/maybe-promise.ts';
import { assertKnownOptions } from '../lib/options.ts';
import type { ApiKeyDenialCode, ApiKeys, ApiKeyVerification, VerifiedApiKey } from './api-key.ts';
import { inAuthorization, inHeader } from './presented-api-key.ts';

/** What `apiKeys` makes, as far as it is needed here. */
export type AcceptedApiKeys = Pick<ApiKeys, 'verify' | 'prefix'> &
  Partial<Pick<ApiKeys, 'publishable'>>;

/** Options of {@link authenticateApiKey}. */
export interface AuthenticateApiKeyOptions {
  /** Whose keys are accepted. */
  readonly keys: AcceptedApiKeys | readonly AcceptedApiKeys[];
  /**
   * Takes publishable keys as well: say it only on operations that anybody may call whom the page or app lets. Among
   * `keys` must then be some of `apiKeys({ publishable: true, … })`, and otherwise none. Default: false.
   */
  readonly allowPublishable?: boolean | undefined;
  /**
   * The header in which apps name themselves, for publishable keys that are bound to apps: `x-ios-bundle-identifier`.
   * Anybody can write it, as anybody can write an `Origin` outside of a browser. Default: no app is known.
   */
  readonly appHeader?: string | undefined;
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

const OPTIONS = [
  'keys',
  'allowPublishable',
  'appHeader',
  'header',
  'scheme',
  'insecureIgnoreAuthorization',
  'subject',
] as const;

/** What {@link authenticateApiKey} adds. */
export interface ApiKeyFacts extends AuthenticatedFacts {
  readonly apiKey: VerifiedApiKey;
}

const denials: Readonly<
  Record<ApiKeyDenialCode, { readonly kind: DenialKind; readonly detail: string }>
> = {
  'api_key.malformed': { kind: 'unauthenticated', detail: 'The API key is not well formed.' },
  'api_key.wrong_environment': {
    kind: 'unauthenticated',
    detail: 'The API key belongs to another environment.',
  },
  'api_key.publishable': {
    kind: 'unauthenticated',
    detail: 'This operation needs a secret API key; the key is a publishable one.',
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
 * `api_key.malformed`, `.wrong_environment`, `.publishable`, `.unknown`, `.revoked`, `.expired`, `.rotated`. With 403:
 * `api_key.disabled`, `.peer_not_allowed`, `.origin_not_allowed`, `.app_not_allowed`. With 400: `credentials.repeated`
 * for more than one key, `credentials.malformed`, `credentials.multiple` for a key beside `Authorization`. With 503:
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
  const { scheme, appHeader, subject = ownerOf } = options;
  const sources = acceptedKeys(options);
  const beginnings = sources.map(({ prefix }) => `${prefix}_`);
  assertConfiguration(
    appHeader === undefined || (isToken(appHeader) && options.allowPublishable === true),
    'authenticateApiKey: appHeader must be a header name, and is only for allowPublishable: true.',
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
      : inAuthorization(scheme, beginnings);
  const deny = (kind: DenialKind, code: string, detail: string, cause?: unknown): Deny => {
    const challenges = kind === 'unauthenticated' ? [challenge] : undefined;
    const denial = sharedDenial({ kind, code, detail, challenges, cause });
    return code === 'credentials.missing' ? denial : Object.freeze({ ...denial, conclusive: true });
  };
  const unusable = {
    missing: deny('unauthenticated', 'credentials.missing', 'This operation needs an API key.', {
      expected: [
        scheme === undefined ? `one ${header}` : `one Authorization with scheme ${scheme}`,
      ],
    }),
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

  const { kind, detail } = denials['api_key.publishable'];
  const notSecret = deny(kind, 'api_key.publishable', detail);
  const wrongOrigin = deny(
    'forbidden',
    'api_key.origin_not_allowed',
    'The API key may not be used from this origin.',
  );
  const wrongApp = deny(
    'forbidden',
    'api_key.app_not_allowed',
    'The API key may not be used from this app.',
  );
  /** Undefined where a publishable key is used from a place that it is bound to. */
  const misplaced = (
    { origins = [], apps = [] }: PublishableTerms,
    headers: HeadersView,
  ): Deny | undefined => {
    const origin = headers.get('origin') ?? undefined;
    const app = appHeader === undefined ? undefined : (headers.get(appHeader) ?? undefined);
    const isFine =
      (origin !== undefined && origins.includes(origin)) ||
      // A page is none of the apps, whatever it writes.
      (origin === undefined && app !== undefined && apps.includes(app));
    if (isFine) return undefined;
    return origin === undefined && apps.length > 0
      ? withCause(wrongApp, { allowed: apps })
      : withCause(wrongOrigin, { allowed: origins });
  };

  type Answer = (peer: Peer, headers: HeadersView) => Outcome<ApiKeyFacts>;
  const admit = (key: VerifiedApiKey, keys: AcceptedApiKeys): Answer => {
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
    const { allowedPeers, publishable } = key;
    // Whatever the keys said at construction: a publishable key is never accepted as a secret one.
    if (publishable !== undefined && keys.publishable !== true) return () => notSecret;
    if (allowedPeers === undefined && publishable === undefined) return () => outcome;
    const isAllowed = allowedPeers && addressRanges(allowedPeers);
    return ({ address }, headers) => {
      if (isAllowed && !(address !== undefined && isAllowed(parseAddress(address)))) {
        return withCause(notAllowed, { allowed: allowedPeers });
      }
      return (publishable && misplaced(publishable, headers)) ?? outcome;
    };
  };
  const answerTo = (result: ApiKeyVerification, keys: AcceptedApiKeys): Answer => {
    if (result.ok) return admit(result.key, keys);
    const { kind, detail } = denials[result.code];
    const cause = result.cause ?? (result.id === undefined ? undefined : { apiKey: result.id });
    const outcome = deny(kind, result.code, detail, cause);
    return () => outcome;
  };
  // A verification that is answered again is the same object, so what follows from it is made once.
  const answers = new WeakMap<ApiKeyVerification, Answer>();
  const conclude = (
    result: ApiKeyVerification,
    keys: AcceptedApiKeys,
    peer: Peer,
    headers: HeadersView,
  ): Outcome<ApiKeyFacts> => {
    let answer = answers.get(result);
    if (answer === undefined) {
      answer = answerTo(result, keys);
      answers.set(result, answer);
    }
    return answer(peer, headers);
  };

  const policy = definePolicy<{ readonly peer: Peer }, ApiKeyFacts, 'check'>({
    name: 'authenticateApiKey',
    role: 'check',
    settings: settingsOf(options, ['allowPublishable', 'insecureIgnoreAuthorization']),
    needs: ['peer'],
    adds: ['principal', 'authentication', 'apiKey'],
    check: (request, { peer }) => {
      const { headers } = request;
      const found = find(headers);
      if (found.kind !== 'key') return unusable[found.kind];
      const { text } = found;
      const at = beginnings.findIndex((beginning) => text.startsWith(beginning));
      const keys = sources[at] ?? sources[0];
      const result = keys.verify(text, peer.id, request);
      return isThenable(result)
        ? result.then((late) => conclude(late, keys, peer, headers))
        : conclude(result, keys, peer, headers);
    },
  });
  // Another credential that is expected does not make a second caller.
  if (options.insecureIgnoreAuthorization === true) return policy;
  const place = scheme === undefined ? header.toLowerCase() : 'authorization';
  return locateCredential(policy, ({ headers }) =>
    find(headers).kind === 'missing' ? undefined : place,
  );
}

const NO_CLAIMS: Readonly<Record<string, unknown>> = Object.freeze({});

/** At least one; where keys of several kinds are accepted, each is known by its prefix. */
function acceptedKeys({
  keys,
  allowPublishable = false,
}: AuthenticateApiKeyOptions): readonly [AcceptedApiKeys, ...AcceptedApiKeys[]] {
  const [first, ...others] = (Array.isArray(keys) ? keys : [keys]) as readonly AcceptedApiKeys[];
  const all = [first, ...others];
  assertConfiguration(
    first !== undefined &&
      all.every((each) => typeof each?.verify === 'function' && typeof each.prefix === 'string'),
    'authenticateApiKey: pass the keys to accept, { keys: apiKeys({ … }) }.',
  );
  assertConfiguration(
    new Set(all.map((each) => each?.prefix)).size === all.length,
    'authenticateApiKey: keys in a list are told apart by their prefix, so each needs its own.',
  );
  assertConfiguration(
    all.some((each) => each?.publishable === true) === allowPublishable,
    allowPublishable
      ? 'authenticateApiKey: allowPublishable is for keys of apiKeys({ publishable: true, … }), and there are none.'
      : 'authenticateApiKey: anybody may see publishable keys; where they suffice, say allowPublishable: true.',
  );
  return [first, ...others];
}

function ownerOf({ owner }: VerifiedApiKey): string {
  return `${owner.type}:${owner.id}`;
}
