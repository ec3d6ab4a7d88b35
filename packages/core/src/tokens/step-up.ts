import { type ChallengeOptions, challengeParams } from '../engine/challenge.ts';
import type { Authentication } from '../engine/facts.ts';
import { type Deny, type NoFacts, pass, sharedDenial } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { member } from '../lib/strict-json.ts';
import { dateClaim } from './jwt-claims.ts';

export type { ChallengeOptions };

/** Options of {@link stepUp}; at least one of `acr` and `maxAge`. */
export interface StepUpOptions extends ChallengeOptions {
  /** Authentication contexts of which one is needed (`acr`), the preferred one first. */
  readonly acr?: readonly string[] | undefined;
  /** How long ago the user may have signed in (`auth_time`), in seconds. */
  readonly maxAge?: number | undefined;
  /** Seconds by which the issuer's clock may differ. Default: 5. */
  readonly clockTolerance?: number | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const NAME = 'stepUp';
/** RFC 6749 §3.3, as RFC 9470 §3 lists them: printable ASCII without space, quote and backslash. */
const ACR = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/**
 * Denies a caller whose user did not sign in strongly or lately enough, with the challenge that makes the
 * client send the user to do so (RFC 9470). A claim that is missing or malformed does not satisfy it.
 *
 * Denies with `authentication.insufficient` (401), `error="insufficient_user_authentication"`.
 *
 * @throws ConfigurationError without `acr` and `maxAge`, or when one of them cannot stand in a challenge.
 * @example
 * const transfer = orders.use(stepUp({ acr: ['urn:example:mfa'], maxAge: 300 }));
 */
export function stepUp(
  options: StepUpOptions,
): SyncPolicy<{ readonly authentication: Authentication }, NoFacts, 'check'> {
  const { acr, maxAge, clockTolerance = 5, now = () => Date.now() } = options;
  assertConfiguration(
    acr !== undefined || maxAge !== undefined,
    `${NAME} needs acr: ['…'], maxAge: seconds, or both.`,
  );
  assertConfiguration(
    acr === undefined ||
      (Array.isArray(acr) &&
        acr.length > 0 &&
        acr.every((each) => typeof each === 'string' && ACR.test(each))),
    `${NAME}: acr lists values of printable ASCII without space, quote and backslash.`,
  );
  assertConfiguration(
    maxAge === undefined || (Number.isSafeInteger(maxAge) && maxAge >= 0),
    `${NAME}: maxAge is a whole number of seconds, 0 or more.`,
  );
  assertConfiguration(
    clockTolerance >= 0 && clockTolerance <= 300,
    `${NAME}: clockTolerance is in seconds, from 0 to 300.`,
  );
  const wanted = acr && new Set<unknown>(acr);
  const tolerance = clockTolerance * 1000;
  const needs: Readonly<Record<string, string>> = {
    ...(acr !== undefined && { acr_values: acr.join(' ') }),
    ...(maxAge !== undefined && { max_age: String(maxAge) }),
  };
  const common = challengeParams(NAME, options);
  // The words are those of RFC 9470 §3.
  const denials = (error_description: string): ((scheme: string) => Deny) => {
    const error = 'insufficient_user_authentication';
    const params = { ...common, error, error_description, ...needs };
    const bearer = denial('Bearer', params);
    return (scheme) => (scheme === 'Bearer' ? bearer : denial(scheme, params));
  };
  const tooWeak = denials('A different authentication level is required');
  const tooOld = denials('More recent authentication is required');

  return definePolicy({
    name: NAME,
    role: 'check',
    needs: ['authentication'],
    adds: [],
    check: (_request, { authentication: { claims, scheme } }) => {
      if (wanted !== undefined && !wanted.has(member(claims, 'acr'))) return tooWeak(scheme);
      if (maxAge === undefined) return pass();
      const signedIn = dateClaim(claims, 'auth_time');
      if (typeof signedIn !== 'number') return tooOld(scheme);
      const age = now() - signedIn;
      // From the future it is no better than from long ago.
      return age >= -tolerance && age <= maxAge * 1000 + tolerance ? pass() : tooOld(scheme);
    },
  });
}

function denial(scheme: string, params: Readonly<Record<string, string>>): Deny {
  return sharedDenial({
    kind: 'unauthenticated',
    code: 'authentication.insufficient',
    detail: params['error_description'],
    // Credentials without a scheme of their own cannot be stepped up: only a token can.
    challenges: [{ scheme: scheme === '' ? 'Bearer' : scheme, params }],
  });
}
