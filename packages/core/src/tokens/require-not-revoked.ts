import type { RevocationStore, SyncRevocationStore } from '../contracts/revocation-store.ts';
import { CHALLENGE_OPTIONS, type ChallengeOptions, challengeParams } from '../engine/challenge.ts';
import type { AuthenticatedFacts } from '../engine/facts.ts';
import {
  type Deny,
  deny,
  type NoFacts,
  type Outcome,
  type Pass,
  pass,
  sharedDenial,
} from '../engine/outcome.ts';
import { definePolicy, type Policy, type SyncPolicy } from '../engine/policy.ts';
import { settingsOf } from '../engine/settings.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { inTime } from '../lib/in-time.ts';
import { chain, type MaybePromise } from '../lib/maybe-promise.ts';
import { assertKnownOptions, assertOneOf } from '../lib/options.ts';
import { revocationKeys } from './revocation-keys.ts';

/** Options of {@link requireNotRevoked}. */
export interface RequireNotRevokedOptions<Store extends RevocationStore = RevocationStore>
  extends ChallengeOptions {
  readonly store: Store;
  /**
   * What happens to calls while the store does not answer. `closed`: they are denied with
   * `revocation.unavailable`. `open`: they pass, marked as degraded. Default: `closed`.
   */
  readonly onStoreFailure?: 'closed' | 'open' | undefined;
  /** How long the store may take, at most `1m`. Default: `1s`. */
  readonly timeout?: Duration | undefined;
}

const NAME = 'requireNotRevoked';
const OPTIONS = ['store', 'onStoreFailure', 'timeout', ...CHALLENGE_OPTIONS] as const;

/**
 * Denies a credential that was revoked before its time: by its `jti`, its subject, session (`sid`), client,
 * tenant or issuer, or because it was issued before a moment. One look-up for each call, also where the
 * token itself is known from before. Put it behind the policy that authenticates; `revocations` revokes.
 *
 * Denies with `token.revoked` (401, `invalid_token`) and, while the store does not answer,
 * `revocation.unavailable` (503).
 *
 * @throws ConfigurationError without a store, or when another option is out of its bounds.
 * @example
 * const orders = guard()
 *   .use(authenticateJwt({ issuer: 'https://id.example.com', audience: 'https://api.example.com' }))
 *   .use(requireNotRevoked({ store: memoryRevocationStore() }))
 *   .use(requireScopes('orders:read'));
 */
export function requireNotRevoked(
  options: RequireNotRevokedOptions<SyncRevocationStore>,
): SyncPolicy<AuthenticatedFacts, NoFacts, 'check'>;
export function requireNotRevoked(
  options: RequireNotRevokedOptions,
): Policy<AuthenticatedFacts, NoFacts, 'check'>;
export function requireNotRevoked(
  options: RequireNotRevokedOptions,
): Policy<AuthenticatedFacts, NoFacts, 'check'> {
  assertKnownOptions(NAME, options, OPTIONS);
  const { store, onStoreFailure = 'closed' } = options;
  const timeout = durationMs(NAME, 'timeout', options.timeout ?? '1s', { max: '1m' });
  assertConfiguration(
    typeof store?.isRevoked === 'function',
    `${NAME}: store must be a revocation store, for example memoryRevocationStore().`,
  );
  assertOneOf(NAME, 'onStoreFailure', onStoreFailure, ['closed', 'open']);
  const params = challengeParams(NAME, options);
  const bearer = revoked('Bearer', params);

  const isRevoked = (facts: AuthenticatedFacts): MaybePromise<boolean> => {
    const { keys, issuedAt } = revocationKeys(facts);
    return inTime(() => store.isRevoked(keys, issuedAt), timeout);
  };
  return definePolicy<AuthenticatedFacts, NoFacts, 'check'>({
    name: NAME,
    role: 'check',
    settings: settingsOf(options, ['onStoreFailure']),
    needs: ['principal', 'authentication'],
    adds: [],
    check: (_request, facts) =>
      chain<boolean, Outcome>(
        () => isRevoked(facts),
        (answer) => {
          if (answer === false) return pass();
          // Nothing else that a store says lets the call go on.
          if (answer !== true)
            return failed(
              onStoreFailure,
              new TypeError('the store answered neither true nor false'),
            );
          const { scheme } = facts.authentication;
          return scheme === 'Bearer' ? bearer : revoked(scheme, params);
        },
        (cause) => failed(onStoreFailure, cause),
      ),
  });
}

/** Open only where the user said so; the decision then tells that nobody looked. */
const OPEN: Pass<NoFacts> = Object.freeze({ ok: true, degraded: 'revocation.unavailable' });

function failed(onStoreFailure: 'closed' | 'open', cause: unknown): Outcome {
  if (onStoreFailure === 'open') return OPEN;
  return deny('unavailable', 'revocation.unavailable', {
    detail: 'Whether the credential was revoked cannot be checked at the moment.',
    retryAfterMs: 1_000,
    cause,
    conclusive: true,
  });
}

/** Schemes other than those of access tokens have no errors to tell (RFC 6750 §3.1). */
function revoked(scheme: string, params: Readonly<Record<string, string>>): Deny {
  const detail = 'The credential was revoked.';
  const isToken = scheme === 'Bearer' || scheme === 'DPoP';
  const told = isToken ? { ...params, error: 'invalid_token', error_description: detail } : params;
  return sharedDenial(
    {
      kind: 'unauthenticated',
      code: 'token.revoked',
      detail,
      challenges: scheme === '' ? [] : [{ scheme, params: told }],
    },
    { conclusive: true },
  );
}
