import { isThenable } from '../lib/maybe-promise.ts';
import { ask } from './ask.ts';
import { anyCredential, locateCredential } from './credential-place.ts';
import { endingsOf } from './obligations.ts';
import type { Outcome } from './outcome.ts';
import { assertPolicy, definePolicy, type Policy, policyInfo } from './policy.ts';
import type { Role } from './trace.ts';

/**
 * Lets callers without credentials pass a policy that authenticates: its facts may then be missing. Credentials that
 * are there and bad are denied as ever, so an expired token is never taken for no token. Always a check: somebody
 * else must say what a stranger may do.
 *
 * @example
 * guard()
 *   .use(optional(authenticateJwt({ issuer: 'https://id.example.com', audience: 'https://api.example.com' })))
 *   .use(rateLimit({
 *     limit: ({ principal }) => (principal ? MEMBERS : STRANGERS),
 *     by: ({ principal, peer }) => (principal ? ['user', principal.id] : peer.id),
 *   }))
 */
export function optional<Needs extends object, Adds extends object>(
  policy: Policy<Needs, Adds, Role>,
): Policy<Needs, Partial<Adds>, 'check'> {
  assertPolicy(policy);
  const { name, always, needs } = policy;
  const optionally = definePolicy<Needs, Partial<Adds>, 'check'>({
    name: `optional(${name})`,
    role: 'check',
    always,
    parts: [policyInfo(policy)],
    needs,
    check: (request, facts) => {
      const outcome = ask(policy, request, facts);
      return isThenable(outcome)
        ? outcome.then(withoutCredentials<Adds>)
        : withoutCredentials(outcome);
    },
  });
  return locateCredential(optionally, anyCredential([policy]));
}

/** Only where there were no credentials at all; every other denial stands. */
function withoutCredentials<Adds extends object>(outcome: Outcome<Adds>): Outcome<Partial<Adds>> {
  if (outcome.ok || outcome.conclusive || outcome.denial.code !== 'credentials.missing') {
    return outcome;
  }
  // What alternatives took before they denied must be given back.
  const obligations = endingsOf(outcome.obligations);
  return { ok: true, facts: {}, obligations, note: { verdict: 'skipped' } };
}
