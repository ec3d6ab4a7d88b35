import { Buffer } from 'node:buffer';
import { describe, expect, test } from 'vitest';
import { readToken } from '../src/read-token.ts';
import { callCli, fixture, runCli } from './run-cli.ts';

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const NOW = 1_800_000_000_000;
const GOOD = { iss: 'https://id.example.com', aud: 'a', exp: NOW / 1000 + 60 };

function jwt(header: object, claims: unknown = GOOD, signature = 'c2ln'): string {
  return `${part(header)}.${part(claims)}.${signature}`;
}

describe('of a token', () => {
  test.each<[string, string, readonly string[]]>([
    ['with nothing odd nothing is remarked', jwt({ alg: 'ES256', kid: 'k' }), []],
    [
      'that is not signed it says so',
      jwt({ alg: 'None', kid: 'k' }, GOOD, ''),
      ['It is not signed.', 'Its signature is empty.'],
    ],
    [
      'that does not name its key it says so',
      jwt({ alg: 'ES256' }),
      ['It does not name its key (kid).'],
    ],
    [
      'that brings a key it says so',
      jwt({ alg: 'ES256', kid: 'k', jku: 'x' }),
      [expect.stringContaining('jku') as string],
    ],
    [
      'that has expired it says for how long',
      jwt({ alg: 'ES256', kid: 'k' }, { ...GOOD, exp: NOW / 1000 - 60 }),
      ['It has expired 60 s ago.'],
    ],
    [
      'whose claims are a list it says so',
      jwt({ alg: 'ES256', kid: 'k' }, []),
      ['The claims are not a JSON object.'],
    ],
  ])('%s', (_what, token, remarks) => {
    expect(readToken(token, NOW)).toMatchObject({ kind: 'jws', remarks });
  });

  test.each([
    ['is opaque', 'abc'],
    ['has no header', '..'],
    [
      'has members twice',
      `${Buffer.from('{"alg":"none","alg":"ES256"}').toString('base64url')}.e30.x`,
    ],
    ['is too long', 'a.'.repeat(100_000)],
  ])('that %s nothing is read', (_what, token) => {
    expect(readToken(token, NOW)).toEqual({ kind: 'unreadable', remarks: [] });
  });
});

test('a token is shown, and nothing in it acts on the terminal', async () => {
  const token = jwt({ alg: 'ES256', kid: 'k' }, { ...GOOD, name: '\u001b[2J\u009b31m\u202egnp' });
  const text = await runCli(['explain', '-'], `${token}\n`);
  expect([text.code, text.err]).toEqual([0, '']);
  expect(text.out).toContain('"iss": "https://id.example.com"');
  const json = await callCli('explain', token, '--json');
  expect(JSON.parse(json.out)).toMatchObject({ claims: { name: '\u001b[2J\u009b31m\u202egnp' } });
  for (const raw of ['\u001b', '\u009b', '\u202e']) expect(text.out + json.out).not.toContain(raw);
});

test.each<[string, readonly string[]]>([
  ['a token that breaks lines', ['secret\nsecret']],
  ['a token beyond Latin-1', ['secret€']],
  ['a scheme that breaks lines', ['secret', '--scheme', 'Bea\nrer']],
  ['a header that breaks lines', ['secret', '--header', 'cookie: secret\nx: y']],
  ['a header without a name', ['secret', '--header', 'a b: secret']],
])('%s is reported as invalid, without printing it', async (_what, given) => {
  const guarded = ['--policy', fixture('guards.ts'), '--export', 'open'];
  const { code, err } = await callCli('explain', ...given, ...guarded);
  expect([code, err]).toEqual([
    2,
    expect.stringMatching(/no header can have|must be written like "name/),
  ]);
  expect(err).not.toContain('secret');
});

test('the rule of a guard that denies it is named, and why', async () => {
  const args = ['explain', jwt({ alg: 'ES256', kid: 'other' }), '--policy', fixture('guards.ts')];
  const { code, out } = await callCli(
    ...args,
    '--export',
    'orders',
    '--operation',
    'GET /orders/:id',
  );
  expect(code).toBe(1);
  expect(out).toMatch(/^denied: unauthenticated token\./m);
  expect(out).toMatch(/authenticateJwt \(check\) denied/);
  expect(out).toMatch(/^ +cause: /m);
  const open = await callCli(...args, '--export', 'open', '--json');
  expect([open.code, JSON.parse(open.out).decision.allowed]).toEqual([0, true]);
});

test.each([['--json'], []])(
  'a secret in the cause of a policy is not printed %s',
  async (...format) => {
    const token = jwt({ alg: 'ES256', kid: 'k' }, GOOD, 'c2lnbmF0dXJl');
    const guarded = ['--policy', fixture('guards.ts'), '--export', 'leaky'];
    const header = ['--header', 'cookie: sid=opaque-session'];
    const { code, out, err } = await callCli('explain', token, ...guarded, ...header, ...format);
    expect([code, err]).toEqual([1, '']);
    expect(out).toContain('shop.closed');
    expect(out).toContain('clientSecret=[redacted]');
    expect(out).not.toMatch(/correct-horse|c2lnbmF0dXJl|opaque-session/);
  },
);
