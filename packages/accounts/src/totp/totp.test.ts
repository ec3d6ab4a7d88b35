import { ConfigurationError, type TotpStore } from '@apisec/core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memoryTotpStore } from './memory-totp-store.ts';
import { oneTimeCodes } from './one-time-code.ts';
import { type Totp, type TotpDenial, type TotpOptions, totp } from './totp.ts';

/** In the middle of a step. */
const START = 1_700_000_025_000;
const STEP = 30_000;
const sealingKeys = { current: 'v1', keys: { v1: crypto.getRandomValues(new Uint8Array(32)) } };
const SHAPE = { algorithm: 'SHA-1', digits: 6 } as const;

function decodeBase32(text: string): Uint8Array {
  const bits = text
    .split('')
    .map((char) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(char).toString(2).padStart(5, '0'))
    .join('');
  return Uint8Array.from(bits.match(/[01]{8}/g) ?? [], (byte) => Number.parseInt(byte, 2));
}

interface Bench {
  readonly factors: Totp;
  readonly store: TotpStore;
  /** Moves the clock. */
  readonly pass: (milliseconds: number) => void;
  /** The code of an account, `steps` from now. */
  readonly code: (account: string, steps?: number) => Promise<string>;
  /** A code that no step near now has. */
  readonly wrong: (account: string) => Promise<string>;
  readonly backup: readonly string[];
}

/** An account `alice` with an active second factor; the clock stands at the step after the first code. */
async function bench(options: Partial<TotpOptions> = {}): Promise<Bench> {
  let time = START - STEP;
  const store = options.store ?? memoryTotpStore();
  const now = () => time;
  const factors = totp({ issuer: 'Acme', store, sealingKeys, now, ...options });
  const enrolled = await factors.enrol('alice');
  if (!enrolled.ok) throw new Error(enrolled.denial.code);
  const secret = decodeBase32(enrolled.secret);
  const { algorithm = SHAPE.algorithm, digits = SHAPE.digits } = options;
  const codes = await oneTimeCodes(secret, { algorithm, digits });
  const code = (_: string, steps = 0) => codes(Math.floor(time / STEP) + steps);
  const confirmed = await factors.confirm('alice', await code('alice'));
  if (!confirmed.ok) throw new Error(confirmed.denial.code);
  time = START;
  return {
    factors,
    store,
    pass: (milliseconds) => {
      time += milliseconds;
    },
    code,
    wrong: async (account) => {
      const right = await Promise.all([-2, -1, 0, 1, 2].map((each) => code(account, each)));
      let candidate = 0;
      while (right.includes(String(candidate).padStart(digits, '0'))) candidate++;
      return String(candidate).padStart(digits, '0');
    },
    backup: confirmed.backupCodes,
  };
}

const told = (result: { readonly ok: true } | TotpDenial): string =>
  result.ok ? 'ok' : result.denial.code;

describe('enrolment', () => {
  test('gives a secret of 160 bits and the URI that apps read', async () => {
    const factors = totp({ issuer: 'Acme & Söhne', store: memoryTotpStore(), sealingKeys });
    const enrolled = await factors.enrol('u1', 'alice@example.com');
    if (!enrolled.ok) throw new Error(enrolled.denial.code);
    expect(enrolled.secret).toMatch(/^[A-Z2-7]{32}$/);
    expect(enrolled.uri).toBe(
      'otpauth://totp/Acme%20%26%20S%C3%B6hne:alice%40example.com' +
        `?secret=${enrolled.secret}&issuer=Acme%20%26%20S%C3%B6hne` +
        '&algorithm=SHA1&digits=6&period=30',
    );
    const uri = new URL(enrolled.uri);
    expect(uri.searchParams.get('issuer')).toBe('Acme & Söhne');
  });

  test.each([
    ['SHA-1', 20],
    ['SHA-256', 32],
    ['SHA-512', 64],
  ] as const)('%s has a secret of %d bytes, and its codes work', async (algorithm, bytes) => {
    const factors = totp({ issuer: 'Acme', store: memoryTotpStore(), sealingKeys, algorithm });
    const enrolled = await factors.enrol('u1');
    if (!enrolled.ok) throw new Error(enrolled.denial.code);
    expect(decodeBase32(enrolled.secret)).toHaveLength(bytes);
    const { factors: eight, code } = await bench({ algorithm, digits: 8 });
    expect(told(await eight.verify('alice', await code('alice')))).toBe('ok');
  });

  test('is not active before a first right code', async () => {
    const factors = totp({ issuer: 'Acme', store: memoryTotpStore(), sealingKeys });
    expect((await factors.status('u1')).state).toBe('none');
    await factors.enrol('u1');
    expect((await factors.status('u1')).state).toBe('pending');
    expect(told(await factors.verify('u1', '123456'))).toBe('totp.not_enrolled');
    expect(told(await factors.verifyBackupCode('u1', 'abcde-abcde'))).toBe('totp.not_enrolled');
    expect(told(await factors.renewBackupCodes('u1'))).toBe('totp.not_enrolled');
    expect(told(await factors.enrol('u1'))).toBe('ok');
  });

  test('an active one is not replaced before it is removed', async () => {
    const { factors, code } = await bench();
    expect((await factors.status('alice')).state).toBe('active');
    expect(told(await factors.enrol('alice'))).toBe('totp.already_enrolled');
    expect(told(await factors.confirm('alice', await code('alice')))).toBe('totp.already_enrolled');
    expect(await factors.remove('alice')).toBe(true);
    expect(await factors.remove('alice')).toBe(false);
    expect(told(await factors.verify('alice', await code('alice')))).toBe('totp.not_enrolled');
    expect(told(await factors.enrol('alice'))).toBe('ok');
  });

  test.each(['', 'a\nb', 'a\0', '\ud800', 'x'.repeat(257)])('%j is no account', async (account) => {
    const { factors } = await bench();
    expect(told(await factors.enrol(account))).toBe('totp.account_invalid');
    expect(told(await factors.enrol('bob', account))).toBe('totp.account_invalid');
    expect(told(await factors.verify(account, '123456'))).toBe('totp.not_enrolled');
  });

  test('the code that confirmed is used up', async () => {
    const { factors, pass, code } = await bench();
    pass(-STEP);
    expect(told(await factors.verify('alice', await code('alice')))).toBe('totp.reused');
  });
});

describe('codes', () => {
  test.each([
    [-2, 'totp.invalid'],
    [0, 'ok'],
    [1, 'ok'],
    [2, 'totp.invalid'],
  ])('of %d steps from now: %s', async (steps, expected) => {
    const { factors, code, pass } = await bench();
    pass(10 * STEP);
    expect(told(await factors.verify('alice', await code('alice', steps)))).toBe(expected);
  });

  test('of the step before are right, unless no drift is allowed', async () => {
    for (const [drift, expected] of [
      [1, 'ok'],
      [0, 'totp.invalid'],
    ] as const) {
      const { factors, code, pass } = await bench({ drift });
      pass(10 * STEP);
      expect(told(await factors.verify('alice', await code('alice', -1)))).toBe(expected);
    }
  });

  // Covers: V6.5.1
  test('are taken once, and those of earlier steps not any more', async () => {
    const { factors, code, pass } = await bench();
    pass(10 * STEP);
    const next = await code('alice', 1);
    expect(told(await factors.verify('alice', next))).toBe('ok');
    expect(told(await factors.verify('alice', next))).toBe('totp.reused');
    expect(told(await factors.verify('alice', await code('alice')))).toBe('totp.reused');
    pass(STEP);
    expect(told(await factors.verify('alice', next))).toBe('totp.reused');
    pass(STEP);
    expect(told(await factors.verify('alice', await code('alice')))).toBe('ok');
  });

  test('a clock that is set back makes none good again', async () => {
    const { factors, code, pass } = await bench();
    pass(10 * STEP);
    const used = await code('alice');
    expect(told(await factors.verify('alice', used))).toBe('ok');
    pass(-STEP);
    expect(told(await factors.verify('alice', used))).toBe('totp.reused');
    expect(told(await factors.verify('alice', await code('alice')))).toBe('totp.reused');
  });

  test('exactly one of many equal ones at the same moment is accepted', async () => {
    const slow = slowly(memoryTotpStore());
    const { factors, code } = await bench({ store: slow });
    const right = await code('alice');
    const results = await Promise.all(
      Array.from({ length: 40 }, () => factors.verify('alice', right)),
    );
    const codes = results.map(told);
    expect(codes.filter((each) => each === 'ok')).toHaveLength(1);
    expect(codes.filter((each) => each === 'totp.reused')).toHaveLength(39);
  });

  test.each(['', '12345', '1234567', '12345a', ' 123456', '123456\n', '１２３４５６', '-12345'])(
    '%j is not a code, and does not count as an attempt',
    async (text) => {
      const { factors, code } = await bench({ attempts: 1 });
      expect(told(await factors.verify('alice', text))).toBe('totp.malformed');
      expect(told(await factors.verify('alice', await code('alice')))).toBe('ok');
    },
  );

  test('have the length that they had when the account enrolled', async () => {
    const store = memoryTotpStore();
    const { code } = await bench({ store });
    const now = () => START;
    const eight = totp({ issuer: 'Acme', store, sealingKeys, digits: 8, now });
    expect(told(await eight.verify('alice', await code('alice')))).toBe('ok');
  });
});

describe('guessing', () => {
  test('locks the account, for twice as long each time, and a right code ends it', async () => {
    const { factors, code, wrong, pass } = await bench({ attempts: 3, lockout: '1m' });
    for (const seconds of [60, 120, 240]) {
      for (let guess = 0; guess < 3; guess++) {
        expect(told(await factors.verify('alice', await wrong('alice')))).toBe('totp.invalid');
      }
      const locked = await factors.verify('alice', await code('alice'));
      expect(locked).toMatchObject({
        denial: { kind: 'rate_limited', code: 'totp.locked', retryAfterMs: seconds * 1_000 },
      });
      expect((await factors.status('alice')).lockedUntil).toBeGreaterThan(START);
      pass(seconds * 1000 - 1);
      expect(told(await factors.verify('alice', await code('alice')))).toBe('totp.locked');
      pass(1);
    }
    expect(told(await factors.verify('alice', await code('alice')))).toBe('ok');
    expect((await factors.status('alice')).lockedUntil).toBeUndefined();
    for (let guess = 0; guess < 3; guess++) await factors.verify('alice', await wrong('alice'));
    expect(await factors.verify('alice', await code('alice'))).toMatchObject({
      denial: { code: 'totp.locked', retryAfterMs: 60_000 },
    });
  });

  test('locks for 5 minutes after five wrong codes where nobody says otherwise', async () => {
    const { factors, code, wrong } = await bench();
    for (let guess = 0; guess < 5; guess++) {
      expect(told(await factors.verify('alice', await wrong('alice')))).toBe('totp.invalid');
    }
    expect(await factors.verify('alice', await code('alice'))).toMatchObject({
      denial: { code: 'totp.locked', retryAfterMs: 300_000 },
    });
  });

  test('a lock lasts a day at most', async () => {
    const { factors, wrong, pass } = await bench({ attempts: 1, lockout: '1d' });
    for (let day = 0; day < 3; day++) {
      expect(told(await factors.verify('alice', await wrong('alice')))).toBe('totp.invalid');
      expect(await factors.verify('alice', await wrong('alice'))).toMatchObject({
        denial: { code: 'totp.locked', retryAfterMs: 86_400_000 },
      });
      pass(86_400_000);
    }
  });

  test('no more of many guesses at the same moment are checked than may be wrong', async () => {
    const { factors, wrong, code } = await bench({ store: slowly(memoryTotpStore()) });
    const guess = await wrong('alice');
    const results = await Promise.all(
      Array.from({ length: 40 }, () => factors.verify('alice', guess)),
    );
    const codes = results.map(told);
    expect(codes.filter((each) => each === 'totp.invalid')).toHaveLength(5);
    expect(codes.filter((each) => each === 'totp.locked').length).toBeGreaterThan(0);
    expect(told(await factors.verify('alice', await code('alice')))).toBe('totp.locked');
  });

  test('wrong backup codes count as well', async () => {
    const { factors, code } = await bench({ attempts: 2 });
    for (let guess = 0; guess < 2; guess++) {
      expect(told(await factors.verifyBackupCode('alice', 'aaaaa-aaaaa'))).toBe('totp.invalid');
    }
    expect(told(await factors.verify('alice', await code('alice')))).toBe('totp.locked');
  });

  test('one account does not lock another', async () => {
    const { factors, wrong, code } = await bench({ attempts: 1 });
    await factors.enrol('bob');
    await factors.confirm('bob', '000000');
    await factors.confirm('bob', await wrong('alice'));
    expect(told(await factors.verify('alice', await code('alice')))).toBe('ok');
  });
});

describe('backup codes', () => {
  test('are ten that differ, and each is good once', async () => {
    const { factors, backup } = await bench();
    expect(new Set(backup).size).toBe(10);
    for (const code of backup) expect(code).toMatch(/^[a-z2-7]{5}-[a-z2-7]{5}$/);
    const [first = '', second = ''] = backup;
    expect(await factors.verifyBackupCode('alice', first)).toEqual({
      ok: true,
      backupCodesLeft: 9,
    });
    expect(told(await factors.verifyBackupCode('alice', first))).toBe('totp.invalid');
    const typed = ` ${second.toUpperCase().replace('-', ' ')} `;
    expect(await factors.verifyBackupCode('alice', typed)).toEqual({
      ok: true,
      backupCodesLeft: 8,
    });
    expect((await factors.status('alice')).backupCodesLeft).toBe(8);
  });

  test('exactly one of many equal ones at the same moment is accepted', async () => {
    const { factors, backup } = await bench({ store: slowly(memoryTotpStore()) });
    const results = await Promise.all(
      Array.from({ length: 40 }, () => factors.verifyBackupCode('alice', backup[0] as string)),
    );
    expect(results.filter(({ ok }) => ok)).toHaveLength(1);
    expect((await factors.status('alice')).backupCodesLeft).toBe(9);
  });

  test('are good no longer when there are new ones', async () => {
    const { factors, backup } = await bench();
    const renewed = await factors.renewBackupCodes('alice');
    if (!renewed.ok) throw new Error(renewed.denial.code);
    expect(told(await factors.verifyBackupCode('alice', backup[0] as string))).toBe('totp.invalid');
    expect(told(await factors.verifyBackupCode('alice', renewed.backupCodes[0] as string))).toBe(
      'ok',
    );
  });

  test('of one account are not accepted for another', async () => {
    const { factors, store, backup } = await bench();
    const record = await store.get('alice');
    if (record === undefined) throw new Error('not there');
    await store.insert({ ...record, account: 'bob' });
    expect(told(await factors.verifyBackupCode('bob', backup[0] as string))).toBe('totp.invalid');
  });

  test.each(['', 'abcde', 'abcde-abcd1', 'abcde-abcdef', 'a'.repeat(10_000)])(
    '%j is not a code',
    async (code) => {
      const { factors } = await bench();
      expect(told(await factors.verifyBackupCode('alice', code))).toBe('totp.malformed');
    },
  );
});

describe('what is stored', () => {
  test('holds neither the secret nor a backup code', async () => {
    const { store, backup } = await bench();
    const text = JSON.stringify(await store.get('alice'));
    for (const code of backup) {
      expect(text).not.toContain(code);
      expect(text.toLowerCase()).not.toContain(code.replace('-', ''));
    }
  });

  test('is good for its own account only', async () => {
    const { factors, store, code } = await bench();
    const record = await store.get('alice');
    if (record === undefined) throw new Error('not there');
    await store.insert({ ...record, account: 'bob', lastStep: -1 });
    expect(told(await factors.verify('bob', await code('alice')))).toBe('totp.unavailable');
  });

  test('moves to the current key when it is used, and goes on without the old one', async () => {
    const store = memoryTotpStore();
    const { code, pass } = await bench({ store });
    let time = START;
    const now = () => time;
    const v2 = crypto.getRandomValues(new Uint8Array(32));
    const both = { current: 'v2', keys: { ...sealingKeys.keys, v2 } };
    const rotated = totp({ issuer: 'Acme', store, sealingKeys: both, now });
    expect(told(await rotated.verify('alice', await code('alice')))).toBe('ok');
    expect((await store.get('alice'))?.secret.key).toBe('v2');
    const only = totp({ issuer: 'Acme', store, sealingKeys: { current: 'v2', keys: { v2 } }, now });
    pass(STEP);
    time += STEP;
    expect(told(await only.verify('alice', await code('alice')))).toBe('ok');
  });
});

describe('a store that fails', () => {
  const broken = () => Promise.reject(new Error('password of the database'));
  const hang = () => new Promise<never>(() => undefined);
  test.each([
    ['rejects', { get: broken }],
    ['hangs', { get: hang }],
    ['rejects changes', { replace: broken }],
    ['hangs on changes', { replace: hang }],
    ['answers nonsense', { replace: () => 'OK' as never }],
  ])('%s: unavailable, whatever the code', async (_, parts) => {
    const { store, code } = await bench();
    const failing = { ...store, ...parts };
    const factors = totp({
      issuer: 'Acme',
      store: failing,
      sealingKeys,
      storeTimeout: '5ms',
      now: () => START,
    });
    const result = await factors.verify('alice', await code('alice'));
    if (result.ok) throw new Error('passed');
    const { cause, ...rest } = result.denial;
    expect(cause).toBeInstanceOf(Error);
    expect(rest).toMatchObject({ kind: 'unavailable', code: 'totp.unavailable' });
    expect(JSON.stringify(rest)).not.toContain('password');
  });
});

test('in any order of codes, guesses and waits no step is taken twice', async () => {
  const action = fc.record({
    steps: fc.integer({ min: -3, max: 3 }),
    wait: fc.constantFrom(0, 1, STEP, 2 * STEP),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 12 }), async (actions) => {
      const { factors, code, pass } = await bench({ attempts: 20 });
      let clock = START;
      let last = Math.floor(START / STEP) - 1;
      for (const { steps, wait } of actions) {
        pass(wait);
        clock += wait;
        const step = Math.floor(clock / STEP) + steps;
        const fits = Math.abs(steps) <= 1 && step > last;
        const result = told(await factors.verify('alice', await code('alice', steps)));
        expect(result === 'ok').toBe(fits);
        if (fits) last = step;
      }
    }),
    { numRuns: 30 },
  );
});

test.each([
  ['no issuer', { issuer: '' }],
  ['an issuer with a colon', { issuer: 'a:b' }],
  ['no store', { store: undefined as never }],
  ['a short key', { sealingKeys: { current: 'a', keys: { a: new Uint8Array(16) } } }],
  ['an unknown hash', { algorithm: 'MD5' as never }],
  ['five digits', { digits: 5 }],
  ['a drift of an hour', { drift: 120 }],
  ['endless attempts', { attempts: Number.POSITIVE_INFINITY }],
  ['no lock', { lockout: '0s' }],
  ['a lock without its unit', { lockout: 300 as never }],
  ['half a second', { period: '30.5s' }],
  ['an option that it does not know', { lockOut: '5m' } as never],
  ['half a backup code', { backupCodes: 0.5 }],
] satisfies readonly (readonly [string, Partial<TotpOptions>])[])(
  'cannot be constructed with %s',
  (_, options) => {
    const good = { issuer: 'Acme', store: memoryTotpStore(), sealingKeys };
    expect(() => totp({ ...good, ...options })).toThrow(ConfigurationError);
  },
);

/** The same store, but every answer takes a turn, as it does over a network. */
function slowly(store: TotpStore): TotpStore {
  const turn = () => new Promise((resolve) => setTimeout(resolve, 0));
  return {
    get: async (account) => {
      await turn();
      return store.get(account);
    },
    insert: async (record) => store.insert(record),
    replace: async (record, expected) => {
      await turn();
      return store.replace(record, expected);
    },
    remove: async (account) => store.remove(account),
  };
}

describe('a secret of another system', () => {
  // The secret of RFC 6238, appendix B: published, but what implementations are checked with.
  const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
  const make = (time: number) =>
    totp({ issuer: 'Acme', store: memoryTotpStore(), sealingKeys, now: () => time });

  test.each([
    [59, '94287082'],
    [1_111_111_109, '07081804'],
    [2_000_000_000, '69279037'],
  ])('gives the codes that it gave there, at %i', async (seconds, code) => {
    const factors = make(seconds * 1_000);
    const imported = await factors.importSecret('alice', { secret, digits: 8 });
    expect(imported).toMatchObject({ ok: true, backupCodes: { length: 10 } });
    expect(await factors.verify('alice', code)).toMatchObject({ ok: true });
    expect(await factors.verify('alice', code)).toMatchObject({ denial: { code: 'totp.reused' } });
  });

  test.each([
    ['with spaces and in small letters', 'gezd gnbv gy3t qojq gezd gnbv gy3t qojq'],
    ['with padding', `${secret}======`],
    ['as bytes', new TextEncoder().encode('12345678901234567890')],
  ])('is read %s', async (_, spelled) => {
    const factors = make(59_000);
    await factors.importSecret('alice', { secret: spelled, digits: 8 });
    expect(await factors.verify('alice', '94287082')).toMatchObject({ ok: true });
  });

  test.each([
    ['of the first app', { secret: 'jbsw y3dp ehpk 3pxp' }],
    ['of zeros', { secret: 'A'.repeat(32) }],
  ])('%s is published', async (_, imported) => {
    const answer = await make(59_000).importSecret('alice', imported);
    expect(answer).toMatchObject({ denial: { kind: 'malformed', code: 'totp.secret_published' } });
  });

  test.each([
    ['that is no base32', { secret: 'GEZDGNBVGY3TQOJ1' }],
    ['that is too short', { secret: 'GEZDGNBV' }],
    ['that is far too long', { secret: 'A'.repeat(100_000) }],
    ['of another algorithm', { secret, algorithm: 'MD5' }],
    ['of a polluted algorithm', { secret, algorithm: 'toString' }],
    ['with three digits', { secret, digits: 3 }],
  ])('%s is malformed', async (_, imported) => {
    const answer = await make(59_000).importSecret('alice', imported as never);
    expect(answer).toMatchObject({ denial: { code: 'totp.malformed' } });
  });

  test('does not replace a second factor that is active', async () => {
    const factors = make(59_000);
    await factors.importSecret('alice', { secret, digits: 8 });
    const again = await factors.importSecret('alice', { secret: '5XBHD2RUVYC4GTEP' });
    expect(again).toMatchObject({ denial: { code: 'totp.already_enrolled' } });
    expect(await factors.verify('alice', '94287082')).toMatchObject({ ok: true });
  });
});
