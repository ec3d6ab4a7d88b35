import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { SessionStore } from '@apisec/core';
import { memorySessionStore, sessions } from '@apisec/oauth';
import { connectRedis, redisSessionStore } from '@apisec/redis';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  hasRedis,
  mustHaveRedis,
  type RedisServer,
  startRedis,
} from '../../redis/test/redis-server.ts';
import { keepAnswer } from '../src/sessions/renewed-tokens.ts';
import { openTokens, sealTokens } from '../src/sessions/stored-tokens.ts';
import { accessToken, age } from './aged-sessions.ts';
import { ORIGIN, startTestProvider, testShop } from './fixture.ts';
import type { TestProvider } from './provider.ts';
import { KEYS } from './secrets.ts';

let provider: TestProvider;
beforeAll(async () => {
  provider = await startTestProvider();
});
afterAll(() => provider?.close());
afterEach(() => {
  provider.intercept = undefined;
});

/** So often is a lease asked for in 100 ms, with pauses of 20, 30, 45 and 67 ms. */
const LOOKS = 5;
const PATIENT = { timeout: 10_000 };
/** For how many milliseconds a task waits in all; here it need not. */
async function timeWaited(task: () => Promise<unknown>): Promise<number> {
  let waited = 0;
  const hurry = (run: () => void, milliseconds = 0) => {
    waited += milliseconds;
    return setImmediate(run);
  };
  const timers = vi.spyOn(globalThis, 'setTimeout').mockImplementation(hurry as never);
  await task().finally(() => timers.mockRestore());
  return waited;
}
const refreshes = (): number => provider.requests.filter((each) => each === 'POST /token').length;

describe('tokens of a session', () => {
  test('are renewed once for 60 calls of three nodes at once, and nobody is signed out', async () => {
    const shop = testShop(provider.issuer);
    const { cookie } = await shop.signIn();
    const before = await accessToken(shop.browser, cookie);
    const nodes = [1, 2, 3].map(() =>
      sessions({ store: shop.store, keys: KEYS, clients: [shop.client] }),
    );
    for (let round = 0; round < 3; round++) {
      await age(shop.store, provider.issuer, cookie);
      const count = refreshes();
      const answers = await Promise.all(
        nodes.flatMap((node) => Array.from({ length: 20 }, () => accessToken(node, cookie))),
      );
      expect(refreshes() - count).toBe(1);
      expect(new Set(answers).size).toBe(1);
      expect(answers[0]).toMatch(/^eyJ/);
      expect(answers[0]).not.toBe(before);
    }
  });

  test('go on while the issuer is down and they live, then 503, and come back with it', async () => {
    const shop = testShop(provider.issuer);
    const { cookie } = await shop.signIn();
    const before = await accessToken(shop.browser, cookie);
    provider.intercept = (req, res) => {
      if (req.url !== '/token') return false;
      res.statusCode = 500;
      res.end('<h1>database at 10.0.0.7 is down</h1>');
      return true;
    };
    await age(shop.store, provider.issuer, cookie, 20_000);
    expect(await accessToken(shop.browser, cookie)).toBe(before);
    await age(shop.store, provider.issuer, cookie);
    expect(await accessToken(shop.browser, cookie)).toBe('oauth.unavailable');
    provider.intercept = undefined;
    const after = await accessToken(shop.browser, cookie);
    expect(after).toMatch(/^eyJ/);
    expect(after).not.toBe(before);
  });

  test('that the issuer does not renew any more end the session once they have ended', async () => {
    const shop = testShop(provider.issuer);
    const { cookie } = await shop.signIn();
    const before = await accessToken(shop.browser, cookie);
    const token = cookie.slice(cookie.indexOf('=') + 1);
    const [record] = await shop.store.list(provider.issuer, 'alice');
    const tokens = await openTokens(token, record?.tokens);
    expect((await shop.client.revoke(tokens?.refreshToken ?? '', 'refresh_token')).ok).toBe(true);
    await age(shop.store, provider.issuer, cookie, 20_000);
    expect(await accessToken(shop.browser, cookie)).toBe(before);
    await age(shop.store, provider.issuer, cookie);
    expect(await accessToken(shop.browser, cookie)).toBe('session.refresh_denied');
    expect(await accessToken(shop.browser, cookie)).toBe('bad');
  });

  test('that were renewed by another node are used though our own refresh was denied', async () => {
    const shop = testShop(provider.issuer);
    const { cookie } = await shop.signIn();
    const token = cookie.slice(cookie.indexOf('=') + 1);
    await age(shop.store, provider.issuer, cookie);
    provider.intercept = async (req, res) => {
      if (req.url !== '/token') return false;
      // The lease was lost: the winner has written while we asked.
      const [record] = await shop.store.list(provider.issuer, 'alice');
      if (record === undefined) return false;
      const time = Date.now() + 60_000;
      const winner = {
        accessToken: 'of-the-winner',
        tokenType: 'Bearer',
        expiresAt: time,
        renewAt: time,
      } as const;
      const tokens = await sealTokens(token, winner);
      await shop.store.replace(record.version, { ...record, version: record.version + 1, tokens });
      res.statusCode = 400;
      res.setHeader('content-type', 'application/json');
      res.end('{"error":"invalid_grant"}');
      return true;
    };
    expect(await accessToken(shop.browser, cookie)).toBe('of-the-winner');
    expect(await accessToken(shop.browser, cookie)).toBe('of-the-winner');
  });

  test('that another node wrote before the lease was ours are used at once', async () => {
    const inner = memorySessionStore();
    let asked = 0;
    let winner = async (): Promise<void> => undefined;
    const store: SessionStore = {
      ...inner,
      acquireLease: async (id, holder, ttlMs) => {
        // Held by the winner until we have waited for as long as we are told to.
        if (++asked < LOOKS) return false;
        await winner();
        return inner.acquireLease(id, holder, ttlMs);
      },
    };
    const shop = testShop(provider.issuer, { sessions: { store, refreshWait: '100ms' } });
    const { cookie } = await shop.signIn();
    const token = cookie.slice(cookie.indexOf('=') + 1);
    await age(store, provider.issuer, cookie);
    winner = async () => {
      const [record] = await store.list(provider.issuer, 'alice');
      if (record === undefined) expect.fail('the session has gone');
      const expiresAt = Date.now() + 60_000;
      const fresh = { accessToken: 'of-the-winner', tokenType: 'Bearer', expiresAt } as const;
      const tokens = await sealTokens(token, { ...fresh, renewAt: expiresAt });
      await store.replace(record.version, { ...record, version: record.version + 1, tokens });
    };
    const count = refreshes();
    expect(await accessToken(shop.browser, cookie)).toBe('of-the-winner');
    expect({ asked, refreshes: refreshes() - count }).toEqual({ asked: LOOKS, refreshes: 0 });
  });

  test('of a session that ends during a refresh do not bring it back', async () => {
    const shop = testShop(provider.issuer);
    const { cookie } = await shop.signIn();
    await age(shop.store, provider.issuer, cookie);
    provider.intercept = async (req) => {
      if (req.url === '/token') await shop.store.deleteBySubject(provider.issuer, 'alice');
      return false;
    };
    expect(await accessToken(shop.browser, cookie)).toBe('session.unknown');
    expect(await shop.store.list(provider.issuer, 'alice')).toEqual([]);
  });

  test('that were renewed while their session ends are the ones that end at the issuer', async () => {
    const memory = memorySessionStore();
    const state: { renewed?: Promise<string> } = {};
    const store: SessionStore = {
      ...memory,
      read: async (id) => {
        const before = await memory.read(id);
        // Between the reading and the end of the session.
        if (state.renewed === undefined) {
          state.renewed = sealed(cookie);
          const next = { version: (before?.version ?? 0) + 1, tokens: await state.renewed };
          if (before !== undefined) await memory.replace(before.version, { ...before, ...next });
        }
        return before;
      },
    };
    const sealed = (held: string) =>
      sealTokens(held.slice(held.indexOf('=') + 1), {
        accessToken: 'renewed',
        tokenType: 'Bearer',
        refreshToken: 'renewed',
      });
    const shop = testShop(provider.issuer, { sessions: { store } });
    const { cookie } = await shop.signIn();
    const ended = await shop.browser.end(new Request(ORIGIN, { headers: { cookie } }));
    expect(ended.ok && ended.tokens?.refreshToken).toBe('renewed');
    expect(await shop.browser.list({ issuer: provider.issuer, subject: 'alice' })).toEqual([]);
  });

  test('of another user are denied though the issuer sent them', async () => {
    const shop = testShop(provider.issuer);
    const { cookie } = await shop.signIn();
    const [record] = await shop.store.list(provider.issuer, 'alice');
    const tokens = await openTokens(cookie.slice(cookie.indexOf('=') + 1), record?.tokens);
    const refreshed = await shop.client.refresh(tokens?.refreshToken ?? '', { subject: 'bob' });
    expect(refreshed.ok ? '' : refreshed.denial.code).toBe('oauth.id_token_invalid');
  });

  test('whose ID token cannot be verified are not used, and the refresh token beside it is kept', async () => {
    const shop = testShop(provider.issuer);
    const { cookie } = await shop.signIn();
    const before = await accessToken(shop.browser, cookie);
    // A process that has just been started, while the keys are down and the token endpoint is not.
    const restarted = () => testShop(provider.issuer, { sessions: { store: shop.store } }).browser;
    provider.intercept = (req, res) => {
      if (req.url !== '/jwks') return false;
      res.statusCode = 500;
      res.end();
      return true;
    };
    const count = refreshes();
    await age(shop.store, provider.issuer, cookie, 20_000);
    expect(await accessToken(restarted(), cookie)).toBe(before);
    await age(shop.store, provider.issuer, cookie);
    for (let call = 0; call < 2; call++) {
      expect(await accessToken(restarted(), cookie)).toBe('oauth.unavailable');
    }
    expect(refreshes() - count).toBe(3);
    provider.intercept = undefined;
    // The issuer takes no refresh token twice: this one is the last that it sent.
    expect(await accessToken(restarted(), cookie)).toMatch(/^eyJ/);
  });

  test.each([
    ['ahead', 900_000, 'oauth.upstream'],
    ['behind', -900_000, 'oauth.id_token_invalid'],
  ])('sign nobody out by a process whose clock is %s', async (_how, off, code) => {
    const shop = testShop(provider.issuer);
    const { cookie } = await shop.signIn();
    await age(shop.store, provider.issuer, cookie, Math.min(0, off) - 1_000);
    const now = () => Date.now() + off;
    const wrong = testShop(provider.issuer, {
      client: { now },
      sessions: { store: shop.store, now },
    });
    const count = refreshes();
    expect(await accessToken(wrong.browser, cookie)).toBe(code);
    expect(await accessToken(shop.browser, cookie)).toMatch(/^eyJ/);
    expect(refreshes() - count).toBe(2);
  });

  test('that a store does not take at once are written once it answers again', async () => {
    const memory = memorySessionStore();
    const state = { isDown: false, writes: 0 };
    const store: SessionStore = {
      ...memory,
      replace: async (expected, next) => {
        if (!state.isDown) return memory.replace(expected, next);
        state.writes++;
        throw new Error('redis at 10.0.0.7 is down');
      },
    };
    const shop = testShop(provider.issuer, { sessions: { store } });
    const { cookie } = await shop.signIn();
    const before = await accessToken(shop.browser, cookie);
    const count = refreshes();
    await age(memory, provider.issuer, cookie, 20_000);
    state.isDown = true;
    expect(await accessToken(shop.browser, cookie)).toBe(before);
    await vi.waitFor(() => expect(state.writes).toBeGreaterThan(1), PATIENT);
    state.isDown = false;
    await vi.waitFor(
      async () => expect(await accessToken(shop.browser, cookie)).not.toBe(before),
      PATIENT,
    );
    await age(memory, provider.issuer, cookie);
    state.isDown = true;
    expect(await accessToken(shop.browser, cookie)).toBe('session.unavailable');
    state.isDown = false;
    await vi.waitFor(
      async () => expect(await accessToken(shop.browser, cookie)).toMatch(/^eyJ/),
      PATIENT,
    );
    expect(refreshes() - count).toBe(2);
  });

  test.each([
    ['of another user', { sub: 'bob' }],
    ['of nobody', {}],
  ])('%s leave nothing behind, not even their refresh token', async (_whose, claims) => {
    const shop = testShop(provider.issuer);
    const { cookie } = await shop.signIn();
    await age(shop.store, provider.issuer, cookie);
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    provider.intercept = (req, res) => {
      if (req.url !== '/token') return false;
      const id_token = `${part({ alg: 'ES256' })}.${part(claims)}.${'A'.repeat(86)}`;
      const set = { access_token: 'a', token_type: 'Bearer', refresh_token: 'r', id_token };
      res.setHeader('content-type', 'application/json');
      res.end(JSON.stringify(set));
      return true;
    };
    expect(await accessToken(shop.browser, cookie)).toMatch(/^oauth\.(upstream|id_token_invalid)$/);
    const [record] = await shop.store.list(provider.issuer, 'alice');
    const kept = await openTokens(cookie.slice(cookie.indexOf('=') + 1), record?.tokens);
    expect(kept?.refreshToken).not.toBe('r');
    provider.intercept = undefined;
    expect(await accessToken(shop.browser, cookie)).toMatch(/^eyJ/);
  });

  test('are asked for again where a renewal never ends, as in workers that drop what a call began', async () => {
    const memory = memorySessionStore();
    const clock = { time: Date.now() };
    let asked = 0;
    const store: SessionStore = {
      ...memory,
      acquireLease: (id, holder, ttlMs) => {
        asked++;
        return asked === 1
          ? new Promise<never>(() => undefined)
          : memory.acquireLease(id, holder, ttlMs);
      },
    };
    const shop = testShop(provider.issuer, { sessions: { store, now: () => clock.time } });
    const { cookie } = await shop.signIn();
    await age(memory, provider.issuer, cookie);
    const dropped = accessToken(shop.browser, cookie);
    await vi.waitFor(() => expect(asked).toBe(1), 20_000);
    clock.time += 200_000;
    expect(await accessToken(shop.browser, cookie)).toMatch(/^eyJ/);
    expect(await Promise.race([dropped, Promise.resolve('waits')])).toBe('waits');
  });

  test('keep nobody waiting for ever for a renewal that another call began and its runtime has dropped', async () => {
    const memory = memorySessionStore();
    const shop = testShop(provider.issuer, { sessions: { store: memory } });
    const { cookie } = await shop.signIn();
    await age(memory, provider.issuer, cookie);
    let asked = 0;
    const store: SessionStore = {
      ...memory,
      acquireLease: () => {
        asked++;
        return new Promise<never>(() => undefined);
      },
    };
    const { browser } = testShop(provider.issuer, {
      client: { timeout: '10ms' },
      sessions: { store, refreshWait: '100ms' },
    });
    void accessToken(browser, cookie);
    // Otherwise this call may be the one that begins it.
    await vi.waitFor(() => expect(asked).toBe(1), 20_000);
    expect(await accessToken(browser, cookie)).toBe('session.unavailable');
    // What lives is used all the same.
    await age(memory, provider.issuer, cookie, 60_000);
    expect(await accessToken(browser, cookie)).toMatch(/^eyJ/);
  });

  test('that the issuer sends too late are kept all the same, and nobody asks for them twice', async () => {
    const shop = testShop(provider.issuer);
    const { cookie } = await shop.signIn();
    const hasty = testShop(provider.issuer, {
      client: { timeout: '500ms' },
      sessions: { store: shop.store },
    });
    expect((await hasty.client.endSession()).ok).toBe(true);
    let answer = (): void => undefined;
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    provider.intercept = async (req) => {
      if (req.url === '/token') await answered;
      return false;
    };
    const before = await accessToken(shop.browser, cookie);
    const count = refreshes();
    await age(shop.store, provider.issuer, cookie, 60_000);
    // It lives, so it is used: by who asked in vain, and by who finds that somebody asks.
    expect(await accessToken(hasty.browser, cookie)).toBe(before);
    expect(await accessToken(hasty.browser, cookie)).toBe(before);
    expect(await accessToken(shop.browser, cookie)).toBe(before);
    answer();
    await vi.waitFor(
      async () => expect(await accessToken(shop.browser, cookie)).not.toBe(before),
      20_000,
    );
    expect(await accessToken(hasty.browser, cookie)).toBe(await accessToken(shop.browser, cookie));
    expect(refreshes() - count).toBe(1);
    // The refresh token that came with it is good as well.
    await age(shop.store, provider.issuer, cookie);
    expect(await accessToken(shop.browser, cookie)).toMatch(/^eyJ/);
  });

  test('that never come keep the lease for six times the timeout of the client', async () => {
    const shop = testShop(provider.issuer);
    const { cookie } = await shop.signIn();
    const hasty = testShop(provider.issuer, {
      client: { timeout: '500ms' },
      sessions: { store: shop.store },
    });
    expect((await hasty.client.endSession()).ok).toBe(true);
    await age(shop.store, provider.issuer, cookie);
    provider.intercept = (req) => req.url === '/token';
    const [record] = await shop.store.list(provider.issuer, 'alice');
    const began = performance.now();
    expect(await accessToken(hasty.browser, cookie)).toBe('oauth.unavailable');
    const isFree = async () => shop.store.acquireLease(record?.id ?? '', 'another', 1);
    expect(await isFree()).toBe(false);
    // Long before the lease of 15 seconds would end by itself.
    await vi.waitFor(async () => expect(await isFree()).toBe(true), PATIENT);
    expect(performance.now() - began).toBeGreaterThanOrEqual(3_000);
  });

  test('a lease is for 15 seconds, and others wait for 16 at most, where nobody says otherwise', async () => {
    const leases: number[] = [];
    const memory = memorySessionStore();
    const store: SessionStore = {
      ...memory,
      acquireLease: (_id, _holder, ttlMs) => {
        leases.push(ttlMs);
        return false;
      },
    };
    const shop = testShop(provider.issuer, { sessions: { store } });
    const { cookie } = await shop.signIn();
    await age(store, provider.issuer, cookie);
    const waited = await timeWaited(async () =>
      expect(await accessToken(shop.browser, cookie)).toBe('oauth.unavailable'),
    );
    // Pauses are shortened by chance, so that processes do not ask in step.
    expect(waited).toBeGreaterThan(8_000);
    expect(waited).toBeLessThanOrEqual(16_200);
    expect(new Set(leases)).toEqual(new Set([15_000]));
  });

  test('that a store never takes are given up after a minute', async () => {
    const shop = testShop(provider.issuer);
    const { cookie } = await shop.signIn();
    const [session] = await shop.store.list(provider.issuer, 'alice');
    if (session === undefined) return expect.fail('the session has gone');
    const down = () => Promise.reject(new Error('redis at 10.0.0.7 is down'));
    const rules = { store: { ...shop.store, read: down }, now: Date.now };
    const tokens = { accessToken: 'old', tokenType: 'Bearer', refreshToken: 'old' } as const;
    const token = cookie.slice(cookie.indexOf('=') + 1);
    const renewed = { client: shop.client, token, session, tokens, successor: 'new' };
    const denied = { ok: false, denial: { kind: 'upstream', code: 'oauth.upstream' } } as const;
    const waited = await timeWaited(async () => {
      const { answer, written } = keepAnswer(rules, renewed, denied);
      await expect(answer).rejects.toThrow('down');
      await expect(written).rejects.toThrow('down');
    });
    expect(waited).toBe(60_000);
  });

  test('wait no longer than configured for a lease that is never given back', async () => {
    const store = memorySessionStore();
    const shop = testShop(provider.issuer, {
      sessions: { store, refreshLease: '10s', refreshWait: '100ms' },
    });
    const { cookie } = await shop.signIn();
    await age(store, provider.issuer, cookie);
    const [record] = await store.list(provider.issuer, 'alice');
    expect(await store.acquireLease(record?.id ?? '', 'a process that was killed', 60_000)).toBe(
      true,
    );
    expect(await accessToken(shop.browser, cookie)).toBe('oauth.unavailable');
    await store.releaseLease(record?.id ?? '', 'a process that was killed');
    expect(await accessToken(shop.browser, cookie)).toMatch(/^eyJ/);
  });
});

if (!hasRedis) {
  test('redis-server is there, or nobody needs it', () => {
    expect(mustHaveRedis, 'redis-server is not on PATH').toBe(false);
  });
}

describe.runIf(hasRedis)('three processes behind one Redis', () => {
  let server: RedisServer;
  const children: ChildProcess[] = [];
  beforeAll(async () => {
    server = await startRedis();
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });
  afterAll(() => server?.close());

  async function start(cookie: string, calls: number, lease: '1s' | '15s') {
    const options = JSON.stringify({
      issuer: provider.issuer,
      redis: server.url,
      cookie,
      calls,
      lease,
    });
    const file = new URL('./refreshing-process.ts', import.meta.url).pathname;
    const child = spawn(
      process.execPath,
      ['--conditions=@apisec/source', '--import', 'tsx', file, options],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    children.push(child);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('ready');
    return {
      child,
      go: async (): Promise<readonly string[]> => {
        child.stdin.write('go\n');
        const { value } = await lines.next();
        return JSON.parse(String(value)) as string[];
      },
    };
  }
  async function signIn() {
    const connection = connectRedis(server.url);
    await once(connection, 'ready');
    const store = redisSessionStore({ client: connection, timeout: '10s' });
    await store.deleteBySubject(provider.issuer, 'alice');
    const { cookie } = await testShop(provider.issuer, { sessions: { store } }).signIn();
    await age(store, provider.issuer, cookie);
    return { cookie, store, connection, end: () => connection.disconnect() };
  }

  test('a session is read in one round trip, and nothing is asked for a cookie that cannot be one', async () => {
    const { cookie, store, connection, end } = await signIn();
    const browser = sessions({ store, keys: KEYS });
    const ask = async (value: string): Promise<string> =>
      (await browser.read(new Request(ORIGIN, { headers: { cookie: value } }))).kind;
    await ask(cookie);
    await connection.config('RESETSTAT');
    for (let call = 0; call < 10; call++) expect(await ask(cookie)).toBe('session');
    expect(await ask(`${cookie}A`)).toBe('bad');
    expect(await ask(`${cookie}; ${cookie}`)).toBe('bad');
    const stats = await connection.info('commandstats');
    const counted = [...stats.matchAll(/cmdstat_([\w|]+):calls=(\d+)/g)].map(([, name, calls]) => [
      name,
      Number(calls),
    ]);
    // GET is what the script itself asks.
    const sent = counted.filter(([name]) => name !== 'get' && name !== 'config|resetstat');
    expect(sent).toEqual([['evalsha', 10]]);
    end();
  });

  test('50 calls each at the end of a token: one refresh, nobody signed out, no failure', async () => {
    const { cookie, end } = await signIn();
    const nodes = await Promise.all([1, 2, 3].map(() => start(cookie, 50, '15s')));
    const count = refreshes();
    const answers = (await Promise.all(nodes.map(({ go }) => go()))).flat();
    expect(answers).toHaveLength(150);
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toMatch(/^eyJ/);
    expect(refreshes() - count).toBe(1);
    end();
  }, 180_000);

  test('one that is killed while it holds the lease keeps the others for its time at most', async () => {
    const { cookie, end } = await signIn();
    const victim = await start(cookie, 1, '1s');
    const next = await start(cookie, 5, '1s');
    const third = await start(cookie, 5, '1s');
    const count = refreshes();
    const asked = new Promise<void>((resolve) => {
      provider.intercept = (req) => {
        if (req.url !== '/token') return false;
        resolve();
        // Never answered: its process will be gone.
        return true;
      };
    });
    victim.child.stdin.write('go\n');
    await asked;
    // For longer than the lease, which is renewed for as long as its holder lives.
    const waiting = third.go();
    await new Promise((resolve) => {
      setTimeout(resolve, 2_500);
    });
    expect(refreshes() - count).toBe(1);
    victim.child.kill('SIGKILL');
    await once(victim.child, 'exit');
    provider.intercept = undefined;
    const answers = (await Promise.all([waiting, next.go()])).flat();
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toMatch(/^eyJ/);
    expect(refreshes() - count).toBe(2);
    end();
  }, 180_000);

  test('an issuer that takes longer than the lease is asked once', async () => {
    const { cookie, end } = await signIn();
    const nodes = await Promise.all([1, 2, 3].map(() => start(cookie, 20, '1s')));
    const count = refreshes();
    provider.intercept = async (req) => {
      if (req.url === '/token') {
        await new Promise((resolve) => {
          setTimeout(resolve, 3_500);
        });
      }
      return false;
    };
    const answers = (await Promise.all(nodes.map(({ go }) => go()))).flat();
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toMatch(/^eyJ/);
    expect(refreshes() - count).toBe(1);
    end();
  }, 180_000);
});
