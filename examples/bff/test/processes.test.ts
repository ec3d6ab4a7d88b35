import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasRedis, mustHaveRedis, startRedis } from '../../../packages/redis/test/redis-server.ts';
import { hasChromium, launchChromium, testThatChromiumIsThere } from '../../../tooling/chromium.ts';
import { startApi } from '../src/api.ts';
import { startProvider } from '../src/provider.ts';
import { type Balancer, startBalancer } from './balancer.ts';
import { startPglite } from './pglite-server.ts';
import { userOf } from './user.ts';

testThatChromiumIsThere();
if (!hasRedis) {
  test('redis-server is there, or nobody needs it', () => {
    expect(mustHaveRedis, 'redis-server is not on PATH').toBe(false);
  });
}

/** One process of the backend, and where it listens. */
async function startProcess(framework: string, shared: NodeJS.ProcessEnv) {
  const child = spawn(
    process.execPath,
    ['--conditions=@apisec/source', '--import', 'tsx', 'src/process.ts'],
    {
      cwd: `${import.meta.dirname}/..`,
      env: { ...process.env, ...shared, FRAMEWORK: framework },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  for await (const line of createInterface({ input: child.stdout })) {
    const [, origin] = /^listening on (.*)$/.exec(line) ?? [];
    if (origin !== undefined) return { child, origin };
  }
  throw new Error('The process ended before it listened.');
}

describe.each([
  ['Redis', hasRedis, ['express', 'fastify'], startRedis],
  ['PostgreSQL', true, ['hono', 'express'], startPglite],
] as const)('two processes behind one %s', (name, isThere, frameworks, startStore) => {
  const ends: (() => unknown)[] = [];
  const children: ChildProcess[] = [];
  let balancer: Balancer;
  let provider: Awaited<ReturnType<typeof startProvider>>;
  let one: string;
  let other: string;

  beforeAll(async () => {
    if (!isThere) return;
    const store = await startStore();
    balancer = await startBalancer();
    provider = await startProvider(balancer.origin);
    const api = await startApi(provider.issuer);
    ends.push(() => store.close(), balancer.close, provider.close, api.close);
    const shared = {
      ORIGIN: balancer.origin,
      ISSUER: provider.issuer,
      CLIENT_SECRET: provider.clientSecret,
      API_ORIGIN: api.origin,
      STORE_URL: store.url,
      // A busy machine is not an outage.
      TIMEOUT: '15s',
      COOKIE_KEY: Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url'),
    };
    const started = await Promise.all(frameworks.map((each) => startProcess(each, shared)));
    children.push(...started.map(({ child }) => child));
    [one = '', other = ''] = started.map(({ origin }) => origin);
    // Two programs are compiled and loaded, which takes its time on a busy machine.
  }, 180_000);
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(children.map(async (child) => child.exitCode ?? once(child, 'exit')));
    for (const end of ends.toReversed()) await end();
  });

  test.runIf(isThere)(
    'a login is begun in one, finished in the other, and used in both',
    async () => {
      const user = userOf(balancer.origin);
      balancer.choose = (call) => (call.startsWith('GET /auth/login') ? one : other);
      await user.signIn();
      for (const each of [one, other]) {
        balancer.choose = () => each;
        expect(await user.orders()).toBe('alice');
      }
    },
  );

  test.runIf(isThere)(
    'a token that has ended is renewed by one of them, for the calls of both',
    async () => {
      const user = userOf(balancer.origin);
      balancer.choose = () => one;
      provider.lifetime.seconds = 1;
      await user.signIn();
      provider.lifetime.seconds = 300;
      // Until it has ended; what counts is that it has.
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      const before = provider.refreshes();
      let calls = 0;
      balancer.choose = () => (calls++ % 2 === 0 ? one : other);
      const answers = await Promise.all(Array.from({ length: 20 }, () => user.orders()));
      expect(new Set(answers)).toEqual(new Set(['alice']));
      expect(provider.refreshes() - before).toBe(1);
    },
  );

  test.runIf(isThere)('a logout in one ends the session in both', async () => {
    const user = userOf(balancer.origin);
    balancer.choose = () => one;
    await user.signIn();
    balancer.choose = () => other;
    expect(await user.copy().orders()).toBe('alice');
    const copies = [user.copy(), user.copy()];
    balancer.choose = () => one;
    expect(await user.signOut()).toBe(200);
    for (const [at, each] of [one, other].entries()) {
      balancer.choose = () => each;
      expect(await copies[at]?.orders()).toBe('session.unknown');
    }
  });

  // One run in a browser is enough: to it, the stores are the same.
  if (name === 'PostgreSQL') return;
  test.runIf(isThere && hasChromium)(
    'in a real browser each call goes to the other process, and no script sees a cookie',
    async () => {
      let calls = 0;
      balancer.choose = () => (calls++ % 2 === 0 ? one : other);
      const browser = await launchChromium();
      try {
        const page = await browser.newPage();
        await page.goto(`${balancer.origin}/`);
        await page.getByText('orders: one, two').waitFor();
        expect(page.url()).toBe(`${balancer.origin}/`);
        expect(await page.getByRole('heading').textContent()).toBe('Hello alice');
        expect(await page.evaluate(() => document.cookie)).toBe('');
        const names = async () =>
          (await page.context().cookies(balancer.origin)).map(({ name }) => name);
        expect(await names()).toEqual(['session']);
        await page.getByRole('button', { name: 'Sign out' }).click();
        // The provider asks its user, whose session here is over by then.
        await page.waitForURL(`${provider.issuer}/**`);
        expect(await names()).toEqual([]);
      } finally {
        await browser.close();
      }
    },
  );
});
