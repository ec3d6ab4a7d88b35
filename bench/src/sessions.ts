import { createHash } from 'node:crypto';
import {
  allowAnonymous,
  allowAuthenticated,
  crossOrigin,
  guard,
  type HttpFacts,
  memoryRevocationStore,
  type SessionStore,
} from '@apisec/core';
import { authenticateSession, memorySessionStore, sealedSessions, sessions } from '@apisec/oauth';
import { redisSessionStore } from '@apisec/redis';
import type { Redis } from 'ioredis';
import { inTurns, print } from '../in-turns.ts';
import { hasRedis, withRedis } from './parts/with-redis.ts';

const ORIGIN = 'https://shop.example.com';
const keys = { current: 'v1', keys: { v1: crypto.getRandomValues(new Uint8Array(32)) } };
const user = { issuer: 'https://id.example.com', subject: 'alice', clientId: 'shop', claims: {} };
const seed = {
  call: { protocol: 'http', operation: 'GET /' },
  peer: { address: undefined, id: undefined },
} as const;

/** A call with the cookie of one of many sessions, read anew from what came over the wire. */
function callsOf(cookies: readonly string[]) {
  const wires = cookies.map((cookie) => Buffer.from(`theme=dark; ${cookie}`));
  let at = 0;
  return () => {
    at = (at + 1) % wires.length;
    const wire = wires[at] ?? Buffer.from('');
    const cookie = wire.toString('latin1');
    const values: Readonly<Record<string, string>> = { cookie, 'sec-fetch-site': 'same-origin' };
    return {
      method: 'GET',
      url: '/',
      headers: {
        get: (name: string) => values[name] ?? null,
        has: (name: string) => name in values,
      },
    };
  };
}
async function cookiesOf(browser: ReturnType<typeof sessions>, count: number): Promise<string[]> {
  const cookies: string[] = [];
  for (let made = 0; made < count; made++) {
    // Each of another user, since one has a bounded number of sessions.
    const started = await browser.start(new Request(ORIGIN), { ...user, subject: `user-${made}` });
    if (!started.ok) throw new Error(started.denial.code);
    cookies.push(started.setCookie.slice(0, started.setCookie.indexOf(';')));
  }
  return cookies;
}
/** A denial would be measured as well, and be another thing. */
function assertAllowed({ allowed }: { readonly allowed: boolean }): void {
  if (!allowed) throw new Error('A session that was begun is denied.');
}
const guardOf = (browser: ReturnType<typeof sessions>) =>
  guard<HttpFacts>()
    .use(crossOrigin({ self: ORIGIN }))
    .use(authenticateSession(browser))
    .use(allowAuthenticated());
const on = (store: SessionStore) => sessions({ store, keys });

const bare = guard<HttpFacts>()
  .use(crossOrigin({ self: ORIGIN }))
  .use(allowAnonymous());
const memory = on(memorySessionStore());
const memoryGuard = guardOf(memory);
const memoryCall = callsOf(await cookiesOf(memory, 1_000));
const sealed = sealedSessions({ keys, revocations: memoryRevocationStore() });
const sealedGuard = guardOf(sealed);
const sealedCall = callsOf(await cookiesOf(sealed, 1_000));
// From here on the cookies are known.
for (let count = 0; count < 1_000; count++) {
  assertAllowed(await memoryGuard.check(memoryCall(), seed));
  assertAllowed(await sealedGuard.check(sealedCall(), seed));
}

const oneCall = callsOf(await cookiesOf(memory, 1));
assertAllowed(await memoryGuard.check(oneCall(), seed));
const rows = new Map<string, object>();
const checked = {
  'the call and its headers alone': () => {
    const { headers } = memoryCall();
    return headers.get('sec-fetch-site') === 'none' ? '' : headers.get('cookie');
  },
  'guard with crossOrigin': () => bare.check(memoryCall(), seed),
  'and a session of the memory store, always one': () => memoryGuard.check(oneCall(), seed),
  'and a session of the memory store, of 1,000': () => memoryGuard.check(memoryCall(), seed),
  'and a sealed session, of 1,000, with revocations': () => sealedGuard.check(sealedCall(), seed),
  'SHA-256 of the cookie and a Map, no guard': () => {
    const cookie = memoryCall().headers.get('cookie') ?? '';
    return rows.get(createHash('sha256').update(cookie).digest('base64url'));
  },
};
print('A session in memory', await inTurns(checked, { each: 250, rounds: 800 }));

const opened = sealedCall().headers.get('cookie')?.split('=').at(-1) ?? '';
const CONTEXT = '["session","__Host-Http-session"]';
print(
  'A sealed session that was not seen before',
  await inTurns(
    { 'opening it': () => sealed.sealing.open(opened, CONTEXT) },
    { each: 200, rounds: 50 },
  ),
);

async function compareOnRedis(client: Redis): Promise<void> {
  const redis = on(redisSessionStore({ client, timeout: '10s' }));
  const redisGuard = guardOf(redis);
  const redisCall = callsOf(await cookiesOf(redis, 1_000));
  for (let count = 0; count < 1_000; count++) {
    assertAllowed(await redisGuard.check(redisCall(), seed));
  }
  await client.set('bare', 'x'.repeat(300));
  await client.config('RESETSTAT');
  const contenders = {
    'a bare GET': () => client.get('bare'),
    'guard with authenticateSession': () => redisGuard.check(redisCall(), seed),
  };
  const each = 4_000;
  const rounds = 15;
  print(
    'A session on Redis, 64 in flight',
    await inTurns(contenders, { each, rounds, inFlight: 64 }),
  );
  const stats = await client.info('commandstats');
  const scripts = Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
  console.log(`  commands for each call: ${(scripts / (each * rounds)).toFixed(3)}`);
}
if (hasRedis) await withRedis(compareOnRedis);
