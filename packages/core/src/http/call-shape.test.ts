import { describe, expect, test } from 'vitest';
import { cpuMs } from '../../test/cpu-time.ts';
import type { BodyOutcome } from '../engine/obligations.ts';
import { denyMethodOverride } from './deny-method-override.ts';
import { limitNegotiation } from './limit-negotiation.ts';
import { requireCanonicalPath } from './require-canonical-path.ts';

const view = (url: string, headers: Record<string, string> = {}) => ({
  method: 'POST',
  url,
  headers: new Headers(headers),
});

describe('requireCanonicalPath', () => {
  test.each([
    ['/'],
    ['/orders/42?next=/a/../b;c%2F#'.slice(0, -1)],
    ['/caf%C3%A9'],
    ['/a.b/..c/...'],
    ['/100%25'],
    ['/100%25-cotton'],
    ['/50%25off'],
    ['/%E5%90%8D'],
    ['https://api.example.com/orders'],
    ['*'],
  ])('%s has one reading', (url) => {
    expect(requireCanonicalPath().check(view(url), {})).toEqual({ ok: true });
  });

  test.each([
    ['/public/../admin'],
    ['/public/%2e%2E/admin'],
    ['/public/.%2e'],
    ['/public/./admin'],
    ['/public/..;/admin'],
    ['/a%2Fb'],
    ['/a;b'],
    ['/a%3Bb'],
    ['/a//b'],
    ['//admin'],
    ['/a\\b'],
    ['/a%5cb'],
    ['/a%00'],
    ['/a%0d%0a'],
    ['/a%7f'],
    ['/a%'],
    ['/a%zz'],
    ['/a%ff'],
    ['/%c0%af'],
    ['/a%252fb'],
    // `/%61dmin` to who decodes once, `/admin` to who decodes twice.
    ['/%2561dmin'],
    ['/a%253bb'],
    ['/a%250d%250a'],
    ['/%25%36%31dmin'],
    ['/%25252e'],
    ['/%25u002e%25u002e/admin'],
    ['/a%C2%85b'],
    ['/a%E2%80%A8b'],
    ['/%252e%252e/admin'],
    ['/ü'],
  ])('%s has several, and is denied', (url) => {
    expect(requireCanonicalPath().check(view(url), {})).toMatchObject({
      denial: { kind: 'malformed', code: 'call.path_ambiguous' },
    });
  });

  test.each<[string, 'encoded-slash' | 'semicolon' | 'empty-segment', boolean]>([
    ['/a%2Fb', 'encoded-slash', true],
    ['/a%2f..%2fb', 'encoded-slash', false],
    ['/a;v=1', 'semicolon', true],
    ['/..;/b', 'semicolon', false],
    ['/..%3b/b', 'semicolon', false],
    ['/a//b', 'empty-segment', true],
    ['/a//../b', 'empty-segment', false],
  ])('%s with %s allowed passes: %s', (url, exception, passes) => {
    expect(requireCanonicalPath({ allow: [exception] }).check(view(url), {}).ok).toBe(passes);
  });

  test('is decided in linear time', () => {
    const check = () => {
      for (const part of ['/.', '%2e', '/', '%25', '/..;', '%C3%A9', 'a'])
        requireCanonicalPath({ allow: ['encoded-slash', 'semicolon', 'empty-segment'] }).check(
          view(`/${part.repeat(100_000)}`),
          {},
        );
    };
    expect(cpuMs(check)).toBeLessThan(1_000);
  });

  test('cannot be constructed with an exception that it does not know', () => {
    expect(() => requireCanonicalPath({ allow: ['dots'] } as never)).toThrow(/encoded-slash/);
  });
});

describe('denyMethodOverride', () => {
  test.each([
    ['/', { 'x-http-method-override': 'DELETE' }],
    ['/', { 'X-HTTP-Method': 'DELETE' }],
    ['/', { 'x-method-override': '' }],
    ['/?_method=DELETE', {}],
    ['/?a=1&%5Fmethod=DELETE', {}],
    ['/?_METHOD=DELETE', {}],
    ['/?_method[]=DELETE', {}],
    // qs makes `_method` of these.
    ['/?[_method]=DELETE', {}],
    ['/?%5B_method%5D=DELETE', {}],
    ['/?[_method][]=DELETE', {}],
  ])('the call %s %j is denied', (url, headers) => {
    expect(denyMethodOverride().check(view(url, headers), {})).toMatchObject({
      denial: { code: 'call.method_override' },
    });
  });

  test.each([['/'], ['/?method=x'], ['/?my_method=x'], ['/?a=_method'], ['/_method']])(
    '%s passes',
    (url) => {
      expect(denyMethodOverride().check(view(url), {})).toEqual({ ok: true });
    },
  );

  test('in forms, where that is asked for', () => {
    const form = view('/', { 'content-type': 'application/x-www-form-urlencoded' });
    const outcome = denyMethodOverride({ inForms: true }).check(form, {});
    const { onMessage } = (outcome as { obligations: { onMessage: (m: unknown) => BodyOutcome } })
      .obligations;
    expect(onMessage({ _method: 'DELETE' })).toMatchObject({ ok: false });
    expect(onMessage({ amount: '5', _METHOD: 'DELETE' })).toMatchObject({ ok: false });
    for (const message of [{ method: 'DELETE' }, null, undefined, '_method=DELETE']) {
      expect(onMessage(message)).toEqual({ ok: true });
    }
    expect(denyMethodOverride().check(form, {})).toEqual({ ok: true });
  });

  test.each(['application/json', 'form', undefined])('not in a body of type %s', (type) => {
    const body = view('/', type === undefined ? {} : { 'content-type': type });
    expect(denyMethodOverride({ inForms: true }).check(body, {})).toEqual({ ok: true });
  });

  test('cannot be constructed with an option that it does not know, or that is not a boolean', () => {
    expect(() => denyMethodOverride({ inForms: 'yes' } as never)).toThrow(/inForms must be true/);
    expect(() => denyMethodOverride({ forms: true } as never)).toThrow(/"forms" is not an option/);
  });
});

describe('limitNegotiation', () => {
  test.each<[string, string, boolean]>([
    ['range', 'bytes=0-1,2-3,4-5,6-7,8-9', true],
    ['range', 'bytes=0-1,2-3,4-5,6-7,8-9,10-11', false],
    ['range', `bytes=${'0-,'.repeat(1_300)}0-`, false],
    ['accept-encoding', 'gzip, deflate, br, zstd', true],
    ['accept-encoding', 'gzip,'.repeat(1_000), false],
    ['accept-language', 'en;q=0.1,'.repeat(41), false],
    ['if-none-match', '"a",'.repeat(41), false],
  ])('the field %s: %s passes: %s', (name, value, passes) => {
    expect(limitNegotiation().check(view('/', { [name]: value }), {}).ok).toBe(passes);
  });

  test('cannot be constructed with a bound that is not a number', () => {
    expect(() => limitNegotiation({ maxRanges: '5' } as never)).toThrow(/maxRanges/);
  });
});
