import { expect, test } from 'vitest';
import { tokenBucket } from '../limits/token-bucket.ts';
import { rateLimit } from './rate-limit.ts';

test('slice', () => {
  let now = 1_700_000_000_000;
  const p = rateLimit({ limit: tokenBucket({ capacity: 2, refillPerSecond: 1 }), by: () => 'a', now: () => now });
  const r = new Request('http://x/');
  for (let i = 0; i < 3; i++) p.check(r, {});
  now += 1000;
  expect(p.check(r, {})).toMatchObject({ ok: true });
  expect(p.check(r, {})).toMatchObject({ ok: false });
});
