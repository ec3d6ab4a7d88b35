import { ConfigurationError } from '@apisec/core';
import * as fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import {
  type PasswordDenial,
  type PasswordHasher,
  type PasswordsOptions,
  passwords,
} from './passwords.ts';

/** Writes the password down, so that tests see what is hashed. Not for anything else. */
function plainHasher(parts: Partial<PasswordHasher> = {}): PasswordHasher {
  return {
    hash: async (password) => `plain:${password}`,
    verify: async (password, hash) => hash === `plain:${password}`,
    needsRehash: () => false,
    ...parts,
  };
}

const policyOf = (options: Partial<PasswordsOptions> = {}) =>
  passwords({ hasher: plainHasher(), context: ['Acme Cloud'], ...options });
const told = (result: { readonly ok: true } | PasswordDenial): string =>
  result.ok ? 'ok' : result.denial.code;
const GOOD = 'correct horse battery';

describe('which passwords may be chosen', () => {
  test.each([
    ['four words', GOOD, 'ok'],
    ['lower case alone', 'qmxvkwpzhtrb', 'ok'],
    ['digits alone', '83620157492013', 'ok'],
    ['twelve characters', 'abcdefgh1234', 'ok'],
    ['eleven characters', 'abcdefgh123', 'password.too_short'],
    ['twelve emoji', '😀🚀🌍🔑🎲🧵🍋🐙🎈🧊🪁🦉', 'ok'],
    ['six emoji, which are twelve units', '😀🚀🌍🔑🎲🧵', 'password.too_short'],
    ['256 characters', 'abcdefgh'.repeat(32), 'ok'],
    ['257 characters', `${'abcdefgh'.repeat(32)}x`, 'password.too_long'],
    ['256 emoji', '😀🚀🌍🔑🎲🧵🍋🐙'.repeat(32), 'ok'],
    ['256 characters in 1,024 parts', 'ᾂᾃᾄᾅᾆᾇὢὣ'.repeat(32).normalize('NFD'), 'ok'],
    ['a megabyte', 'abcdefgh'.repeat(131_072), 'password.too_long'],
    ['few that become many', '\ufdfa'.repeat(20), 'password.too_long'],
    ['half a character', `${GOOD}\ud800`, 'password.malformed'],
    ['a NUL behind it', `${GOOD}\0`, 'password.malformed'],
    ['a line break', `${GOOD}\n`, 'password.malformed'],
    ['one letter', 'a'.repeat(40), 'password.repetitive'],
    ['four letters', 'abcd'.repeat(10), 'password.repetitive'],
    ['five letters', 'abcde'.repeat(10), 'ok'],
    ['spaces around', `  ${GOOD}  `, 'ok'],
  ])('%s', async (_, password, code) => {
    expect(told(await policyOf().check(password))).toBe(code);
    expect(told(await policyOf().hash(password))).toBe(code);
  });

  test.each([undefined, null, 12, {}, ['a']])('%j is no password', async (password) => {
    expect(told(await policyOf().check(password as never))).toBe('password.malformed');
  });

  test('a longer one where it is the only factor', async () => {
    const policy = policyOf({ minLength: 15 });
    expect(told(await policy.check('abcdefgh123456'))).toBe('password.too_short');
    expect(told(await policy.check('abcdefgh1234567'))).toBe('ok');
  });

  test.each([
    ['the service', 'AcmeCloud2024!', 'password.contextual'],
    ['the service, twice', 'acme-acme-acme', 'password.contextual'],
    ['the account', 'alice.jones#1987', 'password.contextual'],
    ['both', 'alice@acme-cloud', 'password.contextual'],
    ['another width', 'ＡＣＭＥcloud2024', 'password.contextual'],
    ['the service, and enough beside it', `acme ${GOOD}`, 'ok'],
    ['the account, and enough beside it', `jones likes ${GOOD}`, 'ok'],
    ['none of them', 'elephants paint', 'ok'],
  ])('one that is made of %s', async (_, password, code) => {
    const context = ['Alice.Jones@example.com'];
    expect(told(await policyOf().check(password, { context }))).toBe(code);
  });

  test('words of one or two letters say nothing', async () => {
    expect(told(await policyOf({ context: ['a', 'be'] }).check('a-be-a-be-xyz'))).toBe('ok');
  });

  // Covers: V6.2.4
  test('common ones, whatever their case', async () => {
    const asked = vi.fn<(password: string) => boolean>(
      (password) => password === 'trustno1trustno1',
    );
    const policy = policyOf({ isCommon: asked });
    expect(told(await policy.check('TrustNo1TrustNo1'))).toBe('password.common');
    expect(told(await policy.check(GOOD))).toBe('ok');
    expect(told(await policyOf({ isCommon: async () => true }).check(GOOD))).toBe(
      'password.common',
    );
  });

  // Covers: V6.2.12
  test('not breached ones; the list learns only five digits', async () => {
    // SHA-1 of "password1234" is E6B6AFBD6D76BB5D2041542D7D2E3FAC5BB05593.
    const lines = [
      '0018A45C4D1DEF81644B54AB7F969B88D65:3',
      'FBD6D76BB5D2041542D7D2E3FAC5BB05593:31523',
      '00D4F6E8FA6EECAD2A3AA415EEC418D38EC:2',
    ];
    const range = vi.fn<(prefix: string) => Promise<string>>(async (prefix) =>
      prefix === 'E6B6A' ? lines.join('\r\n') : '',
    );
    const policy = policyOf({ breached: range });
    expect(told(await policy.check('password1234'))).toBe('password.breached');
    expect(range.mock.calls).toEqual([['E6B6A']]);
    expect(told(await policy.check(GOOD))).toBe('ok');
    const padded = policyOf({ breached: () => 'FBD6D76BB5D2041542D7D2E3FAC5BB05593:0\r\n' });
    expect(told(await padded.check('password1234'))).toBe('ok');
    const bare = policyOf({ breached: () => 'fbd6d76bb5d2041542d7d2e3fac5bb05593' });
    expect(told(await bare.check('password1234'))).toBe('password.breached');
    const none = policyOf({ breached: () => '' });
    expect(told(await none.check('password1234'))).toBe('ok');
  });

  test.each([
    ['an error page', '<html><body>Bad gateway</body></html>'],
    ['JSON', '{"statusCode":429}'],
    ['one line that is none among others', `${'0'.repeat(35)}:1\r\nbusy\r\n${'1'.repeat(35)}:1`],
    ['a whole hash', 'AFBD6D76BB5D2041542D7D2E3FAC5BB05593:9'],
    ['a count that is none', 'FBD6D76BB5D2041542D7D2E3FAC5BB05593:many'],
  ])('are not said to be none by %s', async (_, answer) => {
    const closed = policyOf({ breached: () => answer });
    expect(told(await closed.check('password1234'))).toBe('password.unavailable');
    const open = policyOf({ breached: () => answer, onStoreFailure: 'open' });
    expect(await open.check('password1234')).toEqual({ ok: true, degraded: 'breached' });
  });

  describe('a list that fails', () => {
    const cases = [
      ['throws', () => Promise.reject(new Error('10.0.0.7 denied'))],
      ['hangs', () => new Promise<never>(() => undefined)],
      ['answers nonsense', () => 1 as never],
      ['answers megabytes', () => 'x'.repeat(2_000_000) as never],
    ] as const;
    test.each(cases)('%s: denied, unless that is said to be open', async (_, list) => {
      for (const option of ['breached', 'isCommon'] as const) {
        const closed = await policyOf({ [option]: list, timeout: '5ms' }).check(GOOD);
        expect(told(closed)).toBe('password.unavailable');
        if (closed.ok) return;
        const { cause, ...rest } = closed.denial;
        expect(cause).toBeInstanceOf(Error);
        expect(JSON.stringify(rest)).not.toContain('10.0.0.7');
        const name = option === 'breached' ? 'breached' : 'common';
        const open = await policyOf({
          [option]: list,
          timeout: '5ms',
          onStoreFailure: 'open',
        }).hash(GOOD);
        expect(open).toEqual({ ok: true, hash: `plain:${GOOD}`, degraded: name });
      }
    });
  });
});

describe('whether it is the right one', () => {
  test('a right one passes, a wrong one and an unknown account get the same answer', async () => {
    const policy = policyOf();
    const stored = `plain:${GOOD}`;
    expect(await policy.verify(GOOD, stored)).toEqual({ ok: true });
    const wrong = await policy.verify(`${GOOD} `, stored);
    expect(told(wrong)).toBe('password.wrong');
    expect(await policy.verify(GOOD, undefined)).toEqual(wrong);
  });

  // Covers: V6.3.8
  test('an unknown account costs the same work', async () => {
    const verify = vi.fn<PasswordHasher['verify']>(async () => true);
    const hash = vi.fn<PasswordHasher['hash']>(async () => 'plain:dummy');
    const policy = policyOf({ hasher: plainHasher({ verify, hash }) });
    await policy.verify(GOOD, 'plain:stored');
    await policy.verify(GOOD, 'plain:stored');
    const known = [verify.mock.calls.length, hash.mock.calls.length];
    expect(told(await policy.verify(GOOD, undefined))).toBe('password.wrong');
    expect([verify.mock.calls.length, hash.mock.calls.length]).toEqual([3, 1]);
    expect(known).toEqual([2, 1]);
    expect(verify.mock.calls.at(-1)).toEqual([GOOD, 'plain:dummy']);
  });

  test('however it was typed', async () => {
    const policy = policyOf();
    const chosen = await policy.hash('Ångström-ﬁlter-12');
    if (!chosen.ok) throw new Error(chosen.denial.code);
    expect(told(await policy.verify('A\u030angstro\u0308m-filter-12', chosen.hash))).toBe('ok');
    expect(told(await policy.verify('ångström-filter-12', chosen.hash))).toBe('password.wrong');
  });

  test('one that nobody can have is wrong without work', async () => {
    const verify = vi.fn<PasswordHasher['verify']>(async () => true);
    const policy = policyOf({ hasher: plainHasher({ verify }) });
    for (const password of ['', 'x'.repeat(100_000), '\ud800', '\0', undefined as never]) {
      expect(told(await policy.verify(password, 'plain:'))).toBe('password.wrong');
    }
    expect(verify).not.toHaveBeenCalled();
  });

  test('an old hash is replaced, but only with the right password', async () => {
    const policy = policyOf({ hasher: plainHasher({ needsRehash: () => true }) });
    expect(await policy.verify(GOOD, `plain:${GOOD}`)).toEqual({
      ok: true,
      rehash: `plain:${GOOD}`,
    });
    expect(told(await policy.verify('wrong', `plain:${GOOD}`))).toBe('password.wrong');
  });

  test('a right one is right although no new hash can be made', async () => {
    const hash = vi
      .fn<PasswordHasher['hash']>()
      .mockResolvedValueOnce('plain:dummy')
      .mockRejectedValue(new Error('busy'));
    const policy = policyOf({ hasher: plainHasher({ needsRehash: () => true, hash }) });
    expect(await policy.verify(GOOD, `plain:${GOOD}`)).toEqual({ ok: true });
  });

  test('a hasher that fails is unavailable, and tried again', async () => {
    const hash = vi
      .fn<PasswordHasher['hash']>()
      .mockRejectedValueOnce(new Error('Too many'))
      .mockResolvedValue('plain:dummy');
    const policy = policyOf({ hasher: plainHasher({ hash }) });
    expect(await policy.verify(GOOD, undefined)).toMatchObject({
      denial: { kind: 'unavailable', code: 'password.unavailable' },
    });
    expect(told(await policy.verify(GOOD, undefined))).toBe('password.wrong');
    const broken = policyOf({ hasher: plainHasher({ verify: () => Promise.reject(new Error()) }) });
    expect(told(await broken.verify(GOOD, `plain:${GOOD}`))).toBe('password.unavailable');
    const failing = plainHasher({ hash: () => Promise.reject(new Error()) });
    expect(told(await policyOf({ hasher: failing }).hash(GOOD))).toBe('password.unavailable');
  });

  test('an answer that is no boolean is no yes', async () => {
    const policy = policyOf({ hasher: plainHasher({ verify: async () => 'yes' as never }) });
    expect(told(await policy.verify(GOOD, `plain:${GOOD}`))).toBe('password.wrong');
  });
});

// Covers: V6.2.8
test('whatever is chosen is verified, and nothing else is', async () => {
  const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(text, text, async (password, other) => {
      const policy = policyOf();
      const chosen = await policy.hash(password);
      if (!chosen.ok) return;
      expect(told(await policy.verify(password, chosen.hash))).toBe('ok');
      const same = password.normalize('NFKC') === other.normalize('NFKC');
      expect(told(await policy.verify(other, chosen.hash)) === 'ok').toBe(same);
    }),
  );
});

test.each([
  ['no hasher', { hasher: undefined as never }],
  ['seven characters', { minLength: 7 }],
  ['a maximum that cuts passwords short', { maxLength: 20 }],
  ['no bound', { maxLength: Number.POSITIVE_INFINITY }],
  ['context that is no list', { context: 'acme' as never }],
  ['an unknown way to fail', { onStoreFailure: 'ignore' as never }],
  ['no time', { timeout: '0ms' }],
  ['a time without its unit', { timeout: 2_000 as never }],
  ['an option that it does not know', { onError: 'open' } as never],
] satisfies readonly (readonly [string, Partial<PasswordsOptions>])[])(
  'cannot be constructed with %s',
  (_, options) => {
    expect(() => policyOf(options)).toThrow(ConfigurationError);
  },
);
