import { CHALLENGE_OPTIONS, type ChallengeOptions, challengeParams } from '../engine/challenge.ts';
import type { Authentication } from '../engine/facts.ts';
import { type Deny, type NoFacts, pass, sharedDenial } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import { settingsOf } from '../engine/settings.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { member } from '../lib/strict-json.ts';
import { dateClaim } from './jwt-claims.ts';

export type { ChallengeOptions };

/** Options of {@link stepUp}; at least one of `acr` and `maxAge`. */
export interface StepUpOptions extends ChallengeOptions {
  /** Authentication contexts of which one is needed (`acr`), the preferred one first. */
  readonly acr?: readonly string[] | undefined;
  /** How long ago the user may have signed in (`auth_time`), in whole seconds. */
  readonly maxAge?: Duration | undefined;
  /** How much the issuer's clock may differ, at most `5m`. Default: `5s`. */
  readonly clockTolerance?: Duration | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const NAME = 'stepUp';
const OPTIONS = ['acr', 'maxAge', 'clockTolerance', 'now', ...CHALLENGE_OPTIONS] as const;
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
 * const transfer = orders.use(stepUp({ acr: ['urn:example:mfa'], maxAge: '5m' }));
 */
export function stepUp(
  options: StepUpOptions,
): SyncPolicy<{ readonly authentication: Authentication }, NoFacts, 'check'> {
  assertKnownOptions(NAME, options, OPTIONS);
  const { acr, now = () => Date.now() } = options;
  const maxAge =
    options.maxAge === undefined
      ? undefined
      : durationMs(NAME, 'maxAge', options.maxAge, { min: '0s' });
  assertConfiguration(
    acr !== undefined || maxAge !== undefined,
    `${NAME} needs acr: ['…'], maxAge: '5m', or both.`,
  );
  assertConfiguration(
    acr === undefined ||
      (Array.isArray(acr) &&
        acr.length > 0 &&
        acr.every((each) => typeof each === 'string' && ACR.test(each))),
    `${NAME}: acr must list values of printable ASCII without space, quote and backslash.`,
  );
  assertConfiguration(
    maxAge === undefined || maxAge % 1_000 === 0,
    `${NAME}: maxAge must be whole seconds, since challenges name it in seconds.`,
  );
  const tolerance = durationMs(NAME, 'clockTolerance', options.clockTolerance ?? '5s', {
    min: '0s',
    max: '5m',
  });
  const wanted = acr && new Set<unknown>(acr);
  const needs: Readonly<Record<string, string>> = {
    ...(acr !== undefined && { acr_values: acr.join(' ') }),
    ...(maxAge !== undefined && { max_age: String(maxAge / 1_000) }),
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
    settings: settingsOf(options, ['acr', 'maxAge', 'clockTolerance']),
    needs: ['authentication'],
    adds: [],
    check: (_request, { authentication: { claims, scheme } }) => {
      if (wanted !== undefined && !wanted.has(member(claims, 'acr'))) return tooWeak(scheme);
      if (maxAge === undefined) return pass();
      const signedIn = dateClaim(claims, 'auth_time');
      if (typeof signedIn !== 'number') return tooOld(scheme);
      const age = now() - signedIn;
      // From the future it is no better than from long ago.
      return age >= -tolerance && age <= maxAge + tolerance ? pass() : tooOld(scheme);
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
