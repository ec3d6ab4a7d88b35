import { expect, test } from 'vitest';
import { challengeLimits } from './challenge-limits.ts';

function setUp(atOnce?: number) {
  const clock = { time: 1_700_000_000_000 };
  const problemOf = challengeLimits(600_000, () => clock.time, atOnce);
  /** How many of so many a peer gets. */
  const ask = async (peer: string | undefined, times: number): Promise<number> => {
    let given = 0;
    for (let count = 0; count < times; count++) {
      if ((await problemOf(peer)) === undefined) given++;
    }
    return given;
  };
  return { clock, problemOf, ask };
}

test('a peer gets 120 challenges at once and 60 a minute, and others get theirs', async () => {
  const { clock, problemOf, ask } = setUp();
  expect(await ask('192.0.2.1', 200)).toBe(120);
  expect(await problemOf('192.0.2.1')).toMatchObject({
    kind: 'rate_limited',
    code: 'sign_in.too_many_challenges',
    retryAfterMs: 1_000,
  });
  expect(await ask('192.0.2.2', 1)).toBe(1);
  clock.time += 60_000;
  expect(await ask('192.0.2.1', 200)).toBe(60);
});

test('peers that nobody knows are one peer', async () => {
  const { ask } = setUp();
  expect(await ask(undefined, 200)).toBe(120);
});

test('all peers together get no more than is kept at once', async () => {
  const { clock, ask } = setUp(300);
  const all = await Promise.all(Array.from({ length: 50 }, (_, peer) => ask(`peer ${peer}`, 10)));
  expect(all.reduce((sum, given) => sum + given)).toBe(300);
  clock.time += 600_000;
  expect(await ask('peer 1', 10)).toBe(10);
});

test('all peers together get 10,000 where nobody says otherwise', async () => {
  const { ask } = setUp();
  const all = await Promise.all(Array.from({ length: 100 }, (_, peer) => ask(`peer ${peer}`, 101)));
  expect(all.reduce((sum, given) => sum + given)).toBe(10_000);
});
