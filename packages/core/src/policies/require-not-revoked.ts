import { assertConfiguration } from '../configuration-error.ts';
import type { AuthenticatedFacts } from '../facts.ts';
import { isThenable, type MaybePromise, settle } from '../internal/maybe-promise.ts';
import { sharedRefusal } from '../internal/shared-refusal.ts';
import { revocationKeys } from '../internal/tokens/revocation-keys.ts';
import { type ChallengeOptions, challengeParams } from '../internal/tokens/token-refusals.ts';
import { withinTime } from '../internal/within-time.ts';
import { type Deny, deny, type NoFacts, type Outcome, type Pass, pass } from '../outcome.ts';
import { definePolicy, type Policy, type SyncPolicy } from '../policy.ts';
import type { RevocationStore, SyncRevocationStore } from '../stores/revocation-store.ts';

/** Options of {@link requireNotRevoked}. */
export interface RequireNotRevokedOptions<Store extends RevocationStore = RevocationStore>
  extends ChallengeOptions {
  readonly store: Store;
  /**
   * What happens to calls while the store does not answer. `closed`: they are refused with
   * `revocation.unavailable`. `open`: they pass, marked as degraded. Default: `closed`.
   */
  readonly onError?: 'closed' | 'open' | undefined;
  /** How long the store may take, in milliseconds. Default: 1,000. */
  readonly timeout?: number | undefined;
}

const NAME = 'requireNotRevoked';
const LONGEST_TIMEOUT = 60_000;

/**
 * Refuses a credential that was revoked before its time: by its `jti`, its subject, session (`sid`), client,
 * tenant or issuer, or because it was issued before a moment. One look-up for each call, also where the
 * token itself is known from before. Put it behind the policy that authenticates; `revocations` revokes.
 *
 * Refuses with `token.revoked` (401, `invalid_token`) and, while the store does not answer,
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
  const { store, onError = 'closed', timeout = 1_000 } = options;
  assertConfiguration(
    typeof store?.isRevoked === 'function',
    `${NAME}: store must be a revocation store, for example memoryRevocationStore().`,
  );
  assertConfiguration(
    onError === 'closed' || onError === 'open',
    `${NAME}: onError must be 'closed' or 'open'.`,
  );
  assertConfiguration(
    timeout >= 1 && timeout <= LONGEST_TIMEOUT,
    `${NAME}: timeout must be milliseconds from 1 to 60,000.`,
  );
  const params = challengeParams(NAME, options);
  const bearer = revoked('Bearer', params);

  const isRevoked = (facts: AuthenticatedFacts): MaybePromise<boolean> => {
    const { keys, issuedAt } = revocationKeys(facts);
    const answer = store.isRevoked(keys, issuedAt);
    return isThenable(answer) ? withinTime(Promise.resolve(answer), timeout) : answer;
  };
  return definePolicy<AuthenticatedFacts, NoFacts, 'check'>({
    name: NAME,
    role: 'check',
    check: (_request, facts) =>
      settle<boolean, Outcome>(
        () => isRevoked(facts),
        (answer) => {
          if (answer === false) return pass();
          // Whatever else a store says is no leave to go on.
          if (answer !== true) return failed(onError, new TypeError('no answer of a store'));
          const { scheme } = facts.authentication;
          return scheme === 'Bearer' ? bearer : revoked(scheme, params);
        },
        (cause) => failed(onError, cause),
      ),
  });
}

/** Open only where the user said so; the decision then tells that nobody looked. */
const OPEN: Pass<NoFacts> = Object.freeze({ ok: true, degraded: 'revocation.unavailable' });

function failed(onError: 'closed' | 'open', cause: unknown): Outcome {
  if (onError === 'open') return OPEN;
  return deny('unavailable', 'revocation.unavailable', {
    detail: 'Whether the credential was revoked cannot be told at the moment.',
    retryAfter: 1,
    cause,
    conclusive: true,
  });
}

/** Schemes other than those of access tokens have no errors to tell (RFC 6750 §3.1). */
function revoked(scheme: string, params: Readonly<Record<string, string>>): Deny {
  const detail = 'The credential was revoked.';
  const isToken = scheme === 'Bearer' || scheme === 'DPoP';
  const told = isToken ? { ...params, error: 'invalid_token', error_description: detail } : params;
  return sharedRefusal(
    {
      kind: 'unauthenticated',
      code: 'token.revoked',
      detail,
      challenges: scheme === '' ? [] : [{ scheme, params: told }],
    },
    { conclusive: true },
  );
}
