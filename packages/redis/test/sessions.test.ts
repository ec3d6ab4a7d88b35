import { generateKeyPairSync } from 'node:crypto';
import { tokens, totp } from '@apisec/accounts';
import { memoryRevocationStore, type PrivateJwk, revocations } from '@apisec/core';
import {
  connectRedis,
  connectRedisCluster,
  type RedisClient,
  type RedisStoreOptions,
  redisRefreshTokenStore,
  redisTotpStore,
} from '@apisec/redis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startLossyProxy } from './lossy-proxy.ts';
import { hasRedis, open, type RedisServer, startCluster, startRedis } from './redis-server.ts';
import { family } from './refresh-family.ts';
import { factorOf } from './totp-record.ts';

const PROCESSES = 8;
const shop = { clientId: 'shop' };
const grant = { ...shop, subject: 'alice', scopes: ['orders:read'] };
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
// The members of a private key are what the export gives for one.
const key = { ...privateKey.export({ format: 'jwk' }), alg: 'ES256', kid: 'k1' } as PrivateJwk;
const sealingKeys = { current: 'v1', keys: { v1: crypto.getRandomValues(new Uint8Array(32)) } };

function issuerOn(options: RedisStoreOptions) {
  const events: unknown[] = [];
  const store = redisRefreshTokenStore(options);
  const issued = tokens({
    issuer: 'https://api.example.com',
    audience: 'https://api.example.com',
    signing: { current: 'k1', keys: [key] },
    store,
    revocations: revocations({ store: memoryRevocationStore(), maxTokenLifetime: '10m' }),
    // That a token was issued is recorded as well, and not what is looked at here.
    record: (act) => {
      if (act.act !== 'token.issued') events.push(act);
    },
    storeTimeout: '20s',
  });
  const login = async (subject = 'alice'): Promise<string> => {
    const answer = await issued.issue({ ...grant, subject });
    return (answer.ok && answer.refreshToken) || expect.fail(JSON.stringify(answer));
  };
  const refresh = async (token: string): Promise<string> => {
    const answer = await issued.refresh(token, shop);
    return answer.ok ? 'ok' : answer.code;
  };
  return { issued, store, events, login, refresh };
}

let stores = 0;
const prefix = (): string => `sessions-${stores++}`;

describe.runIf(hasRedis).each([
  ['one server', async () => [await startRedis()]],
  ['a cluster of three', startCluster],
] as const)('what is issued on %s', (name, begin) => {
  let servers: readonly RedisServer[];
  beforeAll(async () => {
    servers = await begin();
  });
  afterAll(() => Promise.all(servers.map((server) => server.close())));

  const connected = async (): Promise<RedisClient> => {
    const [one, ...more] = servers;
    if (more.length === 0) return open(connectRedis(one?.url ?? ''));
    const nodes = servers.map(({ port }) => ({ host: '127.0.0.1', port }));
    const client = await open(connectRedisCluster(nodes));
    // One node is enough for it to be ready; what is for another one fails at once until that is there too.
    await vi.waitFor(() => {
      const states = client.nodes('master').map(({ status }) => status);
      expect(states).toEqual(servers.map(() => 'ready'));
    }, 5_000);
    return client;
  };
  /** As from so many processes: each with a connection of its own. */
  const processes = async (): Promise<readonly RedisStoreOptions[]> => {
    const shared = { prefix: prefix(), timeout: '10s' as const };
    const clients = await Promise.all(Array.from({ length: PROCESSES }, connected));
    return clients.map((client) => ({ ...shared, client }));
  };

  test('exactly one of many uses of a refresh token in many processes wins, and the family ends', async () => {
    const issuers = (await processes()).map(issuerOn);
    for (let round = 0; round < 5; round++) {
      const token = (await issuers[0]?.login()) ?? '';
      const uses = Array.from({ length: 4 }, () => issuers).flat();
      const answers = await Promise.all(uses.map(({ refresh }) => refresh(token)));
      expect(answers.filter((answer) => answer === 'ok')).toHaveLength(1);
      expect(await issuers[1]?.refresh(token)).toBe('refresh.revoked');
      expect(issuers.flatMap(({ events }) => events)).toHaveLength(round + 1);
    }
  });

  test('an honest client refreshes in one process after the other', async () => {
    const issuers = (await processes()).map(issuerOn);
    let token = (await issuers[0]?.login()) ?? '';
    for (const { issued } of [...issuers, ...issuers]) {
      const answer = await issued.refresh(token, shop);
      if (!answer.ok || answer.refreshToken === undefined) expect.fail(JSON.stringify(answer));
      token = answer.refreshToken;
    }
  });

  test('exactly one of many uses of a backup code in many processes is accepted', async () => {
    const all = await processes();
    const factors = all.map((options) =>
      totp({
        issuer: 'Acme',
        store: redisTotpStore(options),
        sealingKeys,
        attempts: 20,
        storeTimeout: '20s',
      }),
    );
    await factors[0]?.enrol('alice');
    const store = redisTotpStore(all[0] as RedisStoreOptions);
    const record = await store.get('alice');
    if (record === undefined) expect.fail('no record');
    await store.replace({ ...record, confirmed: true, version: 'confirmed' }, record.version);
    const renewed = await factors[0]?.renewBackupCodes('alice');
    const code = (renewed?.ok && renewed.backupCodes[0]) || expect.fail('no code');
    const answers = await Promise.all(factors.map((each) => each.verifyBackupCode('alice', code)));
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    expect(await factors[1]?.status('alice')).toMatchObject({ backupCodesLeft: 9 });
  });

  test('all families of a subject end, however many, and each is counted once', async () => {
    const [one, other] = (await processes()).map(redisRefreshTokenStore);
    const ids = Array.from({ length: 300 }, (_, index) => `family ${index}`);
    await Promise.all(ids.map(async (id) => one?.insert(family(id))));
    const ended = await Promise.all([one?.endSubject('alice'), other?.endSubject('alice')]);
    expect((ended[0] ?? 0) + (ended[1] ?? 0)).toBe(300);
    const found = await Promise.all(ids.map(async (id) => other?.get(id)));
    expect(new Set(found.map((each) => each?.ended))).toEqual(new Set(['revoked']));
  });

  test('a caller who asks for a taken id cannot end the family of its owner', async () => {
    const store = redisRefreshTokenStore({ client: await connected(), prefix: prefix() });
    await store.insert(family('family'));
    expect(await store.insert(family('family', { subject: 'mallory' }))).toBe(false);
    expect(await store.endSubject('mallory')).toBe(0);
    expect(await store.insert(family('family', { expiresAt: Date.now() }))).toBe(false);
    expect(await store.endSubject('alice')).toBe(1);
  });

  test('a family keeps its subject and its end, else it would not be found by them', async () => {
    const store = redisRefreshTokenStore({ client: await connected(), prefix: prefix() });
    await store.insert(family('family'));
    for (const changes of [{ subject: 'bob' }, { expiresAt: Date.UTC(2101, 0) }]) {
      const next = family('family', { current: 'second', ...changes });
      await expect(async () => store.replace('first', next)).rejects.toThrow(
        'the subject or the end of a family',
      );
    }
    expect(await store.get('family')).toEqual(family('family'));
    expect(await store.replace('first', family('family', { current: 'second' }))).toBe(true);
  });

  test.runIf(name === 'one server')(
    'nothing in the store can be presented as a credential',
    async () => {
      const client = connectRedis(servers[0]?.url ?? '');
      await open(client);
      const { login, issued } = issuerOn({ client, prefix: 'secrets' });
      const first = await login();
      const next = await issued.refresh(first, shop);
      const kept: unknown[] = [];
      for (const each of await client.keys('secrets:*')) {
        const isList = each.includes(':refresh-subject:');
        kept.push(each, isList ? await client.zrange(each, '0', '-1') : await client.hgetall(each));
      }
      const text = JSON.stringify(kept);
      expect(text).toContain('alice');
      for (const token of [first, next.ok ? next.refreshToken : undefined]) {
        // What all tokens of a family begin with is a secret as well.
        expect(text).not.toContain(token?.slice(0, 24) ?? expect.fail('no token'));
      }
    },
  );
});

describe.runIf(hasRedis)('a refresh that nobody was answered', () => {
  /** Stops just before the token is replaced, as long as `armed`. */
  const stalling = (server: RedisServer, options: RedisStoreOptions) => {
    const store = redisRefreshTokenStore(options);
    const state = { armed: false };
    const issued = tokens({
      issuer: 'https://api.example.com',
      audience: 'https://api.example.com',
      signing: { current: 'k1', keys: [key] },
      store: {
        ...store,
        replace: (expected, next) => {
          if (state.armed) server.pause();
          return store.replace(expected, next);
        },
      },
    });
    return { issued, state };
  };

  test.each([
    ['at once', { failures: 100 }, 0],
    ['after a moment where the breaker is open', { failures: 1, pause: '200ms' as const }, 1_500],
  ])('because Redis was paused is taken back, %s', async (_name, breaker, wait) => {
    const server = await startRedis();
    onTestFinished(() => server.close());
    const options = {
      client: await open(connectRedis(server.url)),
      timeout: '500ms',
      breaker,
    } as const;
    const { issued, state } = stalling(server, options);
    const tried = async (token: string): Promise<string> => {
      const answer = await issued.refresh(token, shop);
      return answer.ok ? 'ok' : answer.code;
    };
    const again = (token: string): Promise<string> =>
      vi.waitFor(
        async () => {
          const answer = await tried(token);
          expect(answer).not.toBe('refresh.unavailable');
          return answer;
        },
        { timeout: 10_000, interval: 20 },
      );
    const logins = await Promise.all([1, 2, 3].map(() => issued.issue(grant)));
    const held = logins.map((each) => (each.ok && each.refreshToken) || expect.fail('no token'));
    // Now the script is known: what is sent twice where it is not is no part of this.
    expect(await tried(held.pop() ?? '')).toBe('ok');
    state.armed = true;
    const answers = await Promise.all(held.map(tried));
    expect(answers).toEqual(['refresh.unavailable', 'refresh.unavailable']);
    state.armed = false;
    const tryAgain = (): Promise<string[]> => Promise.all(held.map(again));
    // Asked while the server is still paused, so that it comes right behind what is taken back.
    const atOnce = wait === 0 ? tryAgain() : undefined;
    server.resume();
    await new Promise((resolve) => setTimeout(resolve, wait));
    expect(await (atOnce ?? tryAgain())).toEqual(['ok', 'ok']);
    // It was used now, once.
    expect(await again(held[0] ?? '')).toBe('refresh.reused');
  });

  test('because the connection was cut is taken back, and the token is good once', async () => {
    const server = await startRedis();
    onTestFinished(() => server.close());
    const proxy = await startLossyProxy(server.port);
    onTestFinished(() => proxy.close());
    const client = await open(connectRedis(`redis://127.0.0.1:${proxy.port}`));
    const { login, refresh, events } = issuerOn({ client, timeout: '2s' });
    expect(await refresh(await login())).toBe('ok');
    const token = await login();
    // Only what replaces holds this word.
    proxy.loseReplyTo('usedAt');
    expect(await refresh(token)).toBe('refresh.unavailable');
    expect(proxy.lost()).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await refresh(token)).toBe('ok');
    expect(events).toEqual([]);
    expect(await refresh(token)).toBe('refresh.reused');
  });

  test('is not taken back once its family has ended', async () => {
    const server = await startRedis();
    onTestFinished(() => server.close());
    const proxy = await startLossyProxy(server.port);
    onTestFinished(() => proxy.close());
    const one = redisRefreshTokenStore({
      client: await open(connectRedis(`redis://127.0.0.1:${proxy.port}`)),
      timeout: '2s',
    });
    const other = redisRefreshTokenStore({ client: await open(connectRedis(server.url)) });
    await one.insert(family('family'));
    await one.replace('no token', family('family'));
    const second = family('family', { current: 'second' });
    proxy.loseReplyTo('second');
    await expect(async () => one.replace('first', second)).rejects.toThrow();
    expect(await other.end('family', 'revoked')).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await other.get('family')).toEqual({ ...second, ended: 'revoked' });
    for (const token of ['first', 'second']) expect(await other.replace(token, second)).toBe(false);
  });
});

describe.runIf(hasRedis)('a code whose reply was lost', () => {
  test('is used up, and wrong ones count', async () => {
    const server = await startRedis();
    onTestFinished(() => server.close());
    const proxy = await startLossyProxy(server.port);
    onTestFinished(() => proxy.close());
    const client = await open(connectRedis(`redis://127.0.0.1:${proxy.port}`));
    const store = redisTotpStore({ client, timeout: '2s' });
    const record = factorOf('alice');
    await store.insert(record);
    await store.replace(record, 'no version');
    proxy.loseReplyTo('lost');
    const next = { ...record, lastStep: 7, failures: 1, version: 'lost' };
    await expect(async () => store.replace(next, 'v1')).rejects.toThrow();
    expect(proxy.lost()).toBe(1);
    await vi.waitFor(async () => expect(await store.get('alice')).toEqual(next), 5_000);
    expect(await store.replace({ ...record, version: 'v3' }, 'v1')).toBe(false);
  });

  test('a record that cannot be read is rejected, never taken for none', async () => {
    const server = await startRedis();
    onTestFinished(() => server.close());
    const client = connectRedis(server.url);
    await open(client);
    const [factors, families] = [redisTotpStore({ client }), redisRefreshTokenStore({ client })];
    const enrolled = await totp({ issuer: 'Acme', store: factors, sealingKeys }).enrol('alice');
    expect(enrolled.ok).toBe(true);
    await families.insert(family('alice'));
    for (const broken of ['', '{', '{}', 'null', '{"account":"bob","id":"bob"}']) {
      for (const name of await client.keys('*')) {
        if (name.includes('totp')) await client.hset(name, 'record', broken);
        else if (name.includes(':refresh:')) await client.hset(name, 'row', broken);
      }
      await expect(async () => factors.get('alice')).rejects.toThrow();
      await expect(async () => families.get('alice')).rejects.toThrow();
    }
  });
});
