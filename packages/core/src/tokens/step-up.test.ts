import { describe, expect, test } from 'vitest';
import { boundTo } from '../../test/dpop-kit.ts';
import { NOW, now } from '../../test/jwt-kit.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { httpDenial } from '../wire/http.ts';
import { type StepUpOptions, stepUp } from './step-up.ts';

const call = new Request('https://api.example.com/transfers');
const seconds = NOW / 1000;

function ask(options: StepUpOptions, claims: object, scheme = 'Bearer') {
  const { principal, authentication } = boundTo(undefined, scheme);
  const facts = { principal, authentication: { ...authentication, claims: { ...claims } } };
  return stepUp({ now, ...options }).check(call, facts);
}

function challengeOf(options: StepUpOptions, claims: object, scheme?: string) {
  const outcome = ask(options, claims, scheme);
  if (outcome.ok) return 'passed';
  const { status, headers } = httpDenial(outcome.denial);
  return `${status} ${outcome.denial.code} ${new Map(headers).get('www-authenticate')}`;
}

describe('how the user signed in', () => {
  const acr = ['urn:mfa', 'urn:hardware'];
  test.each<[string, object, boolean]>([
    ['the first', { acr: 'urn:mfa' }, true],
    ['another that was asked for', { acr: 'urn:hardware' }, true],
    ['a weaker one', { acr: 'urn:password' }, false],
    ['in capitals', { acr: 'URN:MFA' }, false],
    ['two in one text', { acr: 'urn:mfa urn:hardware' }, false],
    ['a list', { acr: ['urn:mfa'] }, false],
    ['nothing', {}, false],
    ['null', { acr: null }, false],
    ['a number', { acr: 1 }, false],
  ])('%s', (_name, claims, passes) => {
    expect(ask({ acr }, claims).ok).toBe(passes);
  });

  test('an inherited claim does not count', () => {
    const { authentication } = boundTo(undefined, 'Bearer');
    const claims = Object.create({ acr: 'urn:mfa' }) as Record<string, unknown>;
    const facts = { authentication: { ...authentication, claims } };
    expect(stepUp({ acr }).check(call, facts).ok).toBe(false);
  });
});

// Covers: V10.3.4
describe('when the user signed in', () => {
  test.each<[string, unknown, boolean]>([
    ['just now', seconds, true],
    ['at the limit', seconds - 300, true],
    ['within the tolerance', seconds - 305, true],
    ['too long ago', seconds - 306, false],
    ['by a clock that is ahead', seconds + 5, true],
    ['in the future', seconds + 6, false],
    ['never', undefined, false],
    ['in words', String(seconds), false],
    ['beyond all dates', 1e300, false],
    ['no number', Number.NaN, false],
    ['null', null, false],
  ])('%s', (_name, auth_time, passes) => {
    expect(ask({ maxAge: '5m' }, { auth_time }).ok).toBe(passes);
  });
});

test('both must hold', () => {
  const options = { acr: ['urn:mfa'], maxAge: '5m' } as const;
  expect(ask(options, { acr: 'urn:mfa', auth_time: seconds }).ok).toBe(true);
  expect(ask(options, { acr: 'urn:mfa' }).ok).toBe(false);
  expect(ask(options, { auth_time: seconds }).ok).toBe(false);
});

test('the challenge is worded as in RFC 9470 §3', () => {
  expect(challengeOf({ acr: ['myACR'] }, {})).toBe(
    '401 authentication.insufficient Bearer realm="api", ' +
      'error="insufficient_user_authentication", ' +
      'error_description="A different authentication level is required", acr_values="myACR"',
  );
  expect(challengeOf({ maxAge: '5s' }, {})).toBe(
    '401 authentication.insufficient Bearer realm="api", ' +
      'error="insufficient_user_authentication", ' +
      'error_description="More recent authentication is required", max_age="5"',
  );
});

// Covers: V7.5.3
test('the challenge names all that is needed, in the scheme of the credential', () => {
  const resourceMetadata = 'https://api.example.com/.well-known/oauth-protected-resource';
  const options = { acr: ['b', 'a'], maxAge: '1m', realm: 'bank', resourceMetadata } as const;
  const told = challengeOf(options, { acr: 'b' }, 'DPoP');
  expect(told).toContain('DPoP realm="bank", resource_metadata="https://api.example.com/');
  expect(told).toContain('acr_values="b a", max_age="60"');
  expect(challengeOf(options, {}, '')).toContain('Bearer realm="bank"');
});

test('an age of nothing asks for a sign-in within the tolerance', () => {
  expect(ask({ maxAge: '0s', clockTolerance: '0s' }, { auth_time: seconds }).ok).toBe(true);
  expect(ask({ maxAge: '0s', clockTolerance: '0s' }, { auth_time: seconds - 1 }).ok).toBe(false);
});

test('needs an authentication, and adds nothing', () => {
  expect(stepUp({ maxAge: '5m' })).toMatchObject({ needs: ['authentication'], adds: [] });
});

test.each<[string, object, string]>([
  ['nothing', {}, "needs acr: ['…'], maxAge: '5m', or both"],
  ['an empty list', { acr: [] }, 'acr must list values'],
  ['one text', { acr: 'urn:mfa' }, 'acr must list values'],
  ['a value with a quote', { acr: ['a', 'a"b'] }, 'acr must list values'],
  ['a value with a space', { acr: ['a b'] }, 'acr must list values'],
  ['an empty value', { acr: [''] }, 'acr must list values'],
  ['a value that is a number', { acr: ['a', 7] }, 'acr must list values'],
  ['a negative age', { maxAge: '-1s' }, 'maxAge'],
  ['a broken age', { maxAge: '1500ms' }, 'maxAge must be whole seconds'],
  ['an age without its unit', { maxAge: 300 }, 'maxAge'],
  ['a clock of another planet', { maxAge: '1s', clockTolerance: '301s' }, 'clockTolerance'],
  ['an option that it does not know', { maxAge: '1s', maxage: '1s' }, '"maxage" is not an option'],
])('cannot be constructed with %s', (_name, options, message) => {
  expect(() => stepUp(options)).toThrow(ConfigurationError);
  expect(() => stepUp(options)).toThrow(message);
});
