import { describe, expect, test } from 'vitest';
import { secretOf } from '../../test/secrets.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { dpopNonces } from './dpop-nonces.ts';

/** The beginning of a step of 60 seconds. */
const START = 1_700_000_040_000;
const STEP = 60_000;
const secret = secretOf;

function node(secrets: readonly Uint8Array[] = [secret(1)], ahead = 0) {
  let time = START;
  const nonces = dpopNonces({ secrets, lifetime: '1m', now: () => time + ahead });
  return { nonces, pass: (milliseconds: number) => void (time += milliseconds) };
}

describe('a nonce', () => {
  test('stays the same for a step, and is good for one more', async () => {
    const { nonces, pass } = node();
    const nonce = await nonces.current();
    expect(nonce).toMatch(/^[\w-]{43}$/);
    expect(await nonces.goodUntil(nonce)).toBe(START + 2 * STEP);
    pass(STEP - 1);
    expect(await nonces.current()).toBe(nonce);
    pass(1);
    expect(await nonces.current()).not.toBe(nonce);
    expect(await nonces.goodUntil(nonce)).toBe(START + 2 * STEP);
    pass(STEP);
    expect(await nonces.goodUntil(nonce)).toBeUndefined();
  });

  test('is there at once when it was made before', async () => {
    const { nonces } = node();
    await nonces.current();
    expect(nonces.current()).toBeTypeOf('string');
  });

  test('is never valid after the announced time', async () => {
    const { nonces, pass } = node([secret(1)], 0);
    const other = node([secret(1)], STEP);
    // From a node that is a step ahead.
    const nonce = await other.nonces.current();
    const until = (await nonces.goodUntil(nonce)) ?? 0;
    pass(until - START - 1);
    expect(await nonces.goodUntil(nonce)).toBe(until);
    pass(1);
    expect(await nonces.goodUntil(nonce)).toBeUndefined();
  });

  test.each(['', 'x', '0', 'A'.repeat(43), '__proto__', 'é'.repeat(43)])(
    'that nobody handed out is not good: %j',
    async (nonce) => {
      expect(await node().nonces.goodUntil(nonce)).toBeUndefined();
    },
  );
});

describe('several nodes', () => {
  test.each([-STEP, -1, 0, 1, STEP])(
    'know the nonces of one another when their clocks differ by %d ms',
    async (ahead) => {
      const nonce = await node([secret(1)], ahead).nonces.current();
      expect(await node().nonces.goodUntil(nonce)).toBeTypeOf('number');
    },
  );

  test('with different secrets do not', async () => {
    const nonce = await node([secret(2)]).nonces.current();
    expect(await node([secret(1)]).nonces.goodUntil(nonce)).toBeUndefined();
    const own = dpopNonces({ now: () => START });
    expect(await dpopNonces({ now: () => START }).goodUntil(await own.current())).toBeUndefined();
  });

  test('change their secret one after the other without denying anybody', async () => {
    const stages = [
      [secret(1)],
      [secret(1), secret(2)],
      [secret(2), secret(1)],
      [secret(2)],
    ] as const;
    for (const [at, now] of stages.entries()) {
      for (const neighbour of stages.slice(Math.max(0, at - 1), at + 2)) {
        const nonce = await node(neighbour).nonces.current();
        expect(await node(now).nonces.goodUntil(nonce)).toBeTypeOf('number');
      }
    }
  });

  test('keep the secret that they were given, whatever becomes of the array', async () => {
    const mine = secret(1);
    const { nonces } = node([mine]);
    mine.fill(9);
    expect(await nonces.goodUntil(await node([secret(1)]).nonces.current())).toBeTypeOf('number');
  });
});

test('a clock that jumps about leaves nothing behind that counts', async () => {
  const { nonces, pass } = node();
  const nonce = await nonces.current();
  for (const jump of [1e9, -5e8, 3e7, -2e9]) {
    pass(jump);
    await nonces.goodUntil('x');
    expect(await nonces.goodUntil(nonce)).toBeUndefined();
  }
});

test.each<[string, object]>([
  ['a short secret', { secrets: [new Uint8Array(31)] }],
  ['a secret that is text', { secrets: ['a'.repeat(32)] }],
  ['no secret', { secrets: [] }],
  ['too many secrets', { secrets: Array.from({ length: 9 }, () => secret(1)) }],
  ['no lifetime', { lifetime: '0s' as const }],
  ['a lifetime without its unit', { lifetime: 60 as never }],
  ['an option that it does not know', { secret: new Uint8Array(32) }],
  ['a lifetime of days', { lifetime: '1d' as const }],
])('denies %s', (_name, options) => {
  expect(() => dpopNonces(options)).toThrow(ConfigurationError);
});
