import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { audience, bearer, issuer, NOW, signer } from '../../test/jwt-kit.ts';
import { type KeyServer, keyServer, text } from '../../test/key-server.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { authenticateJwt } from '../tokens/authenticate-jwt.ts';
import type { KeyAnswer, KeySource } from './key-source.ts';
import { type RemoteKeysOptions, remoteJwks } from './remote-jwks.ts';

const SECOND = 1000;
const [a, b] = [await signer('ES256', 'a'), await signer('ES256', 'b')];
const hintA = { alg: 'ES256', kid: 'a' } as const;
const hintB = { alg: 'ES256', kid: 'b' } as const;

let server: KeyServer;
let at: number;
beforeEach(async () => {
  server = await keyServer();
  server.serve('/jwks', { keys: [a.jwk] });
  at = NOW;
});
afterEach(() => server[Symbol.asyncDispose]());

const keysOf = (options: RemoteKeysOptions = {}): KeySource =>
  remoteJwks(`${server.origin}/jwks`, {
    insecureLoopback: true,
    now: () => at,
    random: () => 1,
    ...options,
  });
const down = (): void => server.serve('/jwks', text('', 500));
/** Lets fetches that nobody waits for come to their end. */
async function settled(count: number): Promise<void> {
  for (let i = 0; i < 200 && server.asked.length < count; i++) await pause(5);
  await pause(30);
}
const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
const told = (answer: KeyAnswer): string => (answer.ok ? 'ok' : answer.reason);

describe('fetching', () => {
  test('nothing is fetched before the first token', async () => {
    const keys = keysOf();
    expect(keys.current()).toBeUndefined();
    await pause(20);
    expect(server.asked).toEqual([]);
  });

  test('one fetch for all who ask at once, and none for those who ask later', async () => {
    const keys = keysOf();
    const answers = await Promise.all(Array.from({ length: 50 }, async () => keys.find(hintA)));
    expect(answers.map(told)).toEqual(Array.from({ length: 50 }, () => 'ok'));
    const again = keys.find(hintA);
    expect(again).toMatchObject({ ok: true, keys: [{ kid: 'a' }] });
    expect(server.asked).toHaveLength(1);
  });

  test('a server that knows key sets by their own media type alone is understood', async () => {
    const type = 'application/jwk-set+json';
    server.serve('/jwks', ({ headers }, response) => {
      const isAsked = headers.accept?.split(', ').includes(type) === true;
      response.writeHead(isAsked ? 200 : 406, { 'content-type': type });
      response.end(JSON.stringify({ keys: [a.jwk] }));
    });
    expect(told(await keysOf().find(hintA))).toBe('ok');
  });

  test('a set of 150 keys is taken', async () => {
    const others = Array.from({ length: 149 }, (_, n) => ({ ...b.jwk, kid: `other-${n}` }));
    server.serve('/jwks', { keys: [...others, a.jwk] });
    expect(told(await keysOf().find(hintA))).toBe('ok');
  });

  test('keys that may not verify are left out', async () => {
    const [rsa, short] = [2048, 1024].map((modulusLength) =>
      generateKeyPairSync('rsa', { modulusLength }),
    );
    const jwk = (pair: typeof rsa) => pair?.publicKey.export({ format: 'jwk' });
    server.serve('/jwks', {
      keys: [
        { ...jwk(rsa), kid: 'good', foo: 'bar' },
        { ...jwk(short), kid: 'short' },
        { ...rsa?.privateKey.export({ format: 'jwk' }), kid: 'private' },
        { ...jwk(rsa), kid: 'encryption', use: 'enc' },
        { kty: 'oct', k: Buffer.alloc(64).toString('base64url'), kid: 'secret' },
        { kty: 'future', kid: 'unknown' },
        'not a key',
        null,
      ],
    });
    const keys = keysOf();
    await keys.find(hintA);
    expect(keys.current()?.keys.map(({ kid }) => kid)).toEqual(['good']);
    expect(keys.symmetric).toBe(false);
    // Operators are told why, where no key fits.
    expect(await keys.find(hintB)).toMatchObject({
      known: expect.arrayContaining(['short: n', 'private: private', 'encryption: use']) as unknown,
    });
  });

  test.each<[string, readonly object[]]>([
    ['an empty set', []],
    ['a set in which no key can be used', [{ kty: 'RSA', kid: 'weak', n: 'AQAB', e: 'AQAB' }]],
  ])('%s is no reason to deny tokens, and good keys are kept', async (_, broken) => {
    server.serve('/jwks', { keys: broken });
    expect(await keysOf().find(hintA)).toMatchObject({ reason: 'unavailable' });
    server.serve('/jwks', { keys: [a.jwk] });
    const keys = keysOf();
    expect(told(await keys.find(hintA))).toBe('ok');
    server.serve('/jwks', { keys: broken });
    at += 601 * SECOND;
    expect(told(await keys.find(hintA))).toBe('ok');
    expect(told(await keys.find(hintA))).toBe('ok');
    // Not for longer than without any answer of the server.
    at += 3_600 * SECOND;
    expect(told(await keys.find(hintA))).toBe('unavailable');
  });
});

describe('a server that fails', () => {
  test.each<[string, Parameters<KeyServer['serve']>[1]]>([
    ['says 500', text('', 500)],
    ['says 404', text('', 404)],
    ['says 204', text('', 204)],
    ['redirects', text('', 302, { location: '/elsewhere' })],
    ['answers no JSON', text('<html>')],
    ['answers JSON that is no object', text('[]')],
    ['answers JSON with a duplicate member', text('{"keys":[],"keys":[]}')],
    ['answers a byte order mark', text('\ufeff{"keys":[]}')],
    ['answers nothing', text('')],
    ['answers no keys', {}],
    ['answers keys that are no list', { keys: { a: 1 } }],
    ['answers too many keys', { keys: Array.from({ length: 501 }, () => a.jwk) }],
    ['answers too much', text(`{"keys":[],"pad":"${'x'.repeat(300_000)}"}`)],
    ['closes the connection', (request) => request.socket.destroy()],
    [
      'closes it in the middle',
      (request, response) => {
        response.writeHead(200, { 'content-length': '100' }).write('{"keys":', () => {
          request.socket.destroy();
        });
      },
    ],
    ['never answers', () => undefined],
    [
      'answers without end',
      (_request, response) => {
        response.writeHead(200).write('{');
      },
    ],
  ])('that %s: unavailable, with a time to retry', async (_name, answer) => {
    server.serve('/jwks', answer);
    server.serve('/elsewhere', { keys: [a.jwk] });
    const keys = keysOf({ timeout: '1s' });
    expect(await keys.find(hintA)).toMatchObject({
      ok: false,
      reason: 'unavailable',
      retryAfterMs: 1_000,
    });
    expect(server.asked).toEqual(['/jwks']);
    server.serve('/jwks', { keys: [a.jwk] });
    at += SECOND;
    expect(told(await keys.find(hintA))).toBe('ok');
  });

  test('that cannot be reached', async () => {
    const keys = keysOf();
    await server[Symbol.asyncDispose]();
    expect(told(await keys.find(hintA))).toBe('unavailable');
    server = await keyServer();
  });

  test('a fetch that heeds no signal is given up all the same', async () => {
    const keys = keysOf({ fetch: () => new Promise(() => undefined), timeout: '20ms' });
    expect(told(await keys.find(hintA))).toBe('unavailable');
  });

  test('a fetch that never comes to an end does not keep others away for ever', async () => {
    let attempts = 0;
    const fetch = (): Promise<Response> => {
      attempts++;
      return new Promise(() => undefined);
    };
    const keys = keysOf({ fetch, timeout: '1m' });
    const ask = () => Promise.race([keys.find(hintA), pause(1)]);
    await ask();
    at += 60 * SECOND;
    await ask();
    expect(attempts).toBe(1);
    at += SECOND;
    await ask();
    expect(attempts).toBe(2);
  });

  test('callers who waited in vain for the fetch of another call do not wait for ever for the next one', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const later = globalThis.setTimeout;
    // Each fetch is lost with the call that began it, and so is the timer that would end it: as on edge runtimes.
    vi.stubGlobal('setTimeout', (task: () => void, delay: number) =>
      delay === 5 * SECOND - 1 ? 0 : later(task, delay),
    );
    onTestFinished(() => {
      vi.unstubAllGlobals();
      vi.useRealTimers();
    });
    let attempts = 0;
    const fetch = (): Promise<Response> => {
      attempts++;
      return new Promise(() => undefined);
    };
    const keys = keysOf({ fetch, timeout: '5s' });
    void keys.find(hintA);
    const answers: unknown[] = [];
    for (let call = 0; call < 3; call++) {
      void Promise.resolve(keys.find(hintA)).then(
        (answer) => answers.push(answer),
        (cause: unknown) => answers.push(cause),
      );
    }
    for (let second = 0; second < 30; second++) {
      at += SECOND;
      await vi.advanceTimersByTimeAsync(SECOND);
    }
    expect(attempts).toBeLessThanOrEqual(3);
    // All but the one who began the second fetch, whose call is gone.
    expect(answers.length).toBeGreaterThanOrEqual(2);
  });

  test('is asked ever less often, at most once a minute', async () => {
    down();
    const keys = keysOf();
    const attempts: number[] = [];
    for (; at < NOW + 400 * SECOND; at += SECOND) {
      const before = server.asked.length;
      await Promise.all(Array.from({ length: 5 }, async () => keys.find(hintA)));
      if (server.asked.length > before) attempts.push((at - NOW) / SECOND);
    }
    expect(attempts).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183, 243, 303, 363]);
    expect(server.asked).toHaveLength(attempts.length);
  });

  test('its retries are spread', async () => {
    down();
    const keys = keysOf({ random: () => 0 });
    await keys.find(hintA);
    at += 499;
    await keys.find(hintA);
    expect(server.asked).toHaveLength(1);
    at += 1;
    await keys.find(hintA);
    expect(server.asked).toHaveLength(2);
  });

  test('the default spread is between half and the whole', async () => {
    down();
    const keys = remoteJwks(`${server.origin}/jwks`, { insecureLoopback: true, now: () => at });
    await keys.find(hintA);
    at += 499;
    await keys.find(hintA);
    expect(server.asked).toHaveLength(1);
    at += 501;
    await keys.find(hintA);
    expect(server.asked).toHaveLength(2);
  });
});

describe('renewing', () => {
  test('ahead of time, while calls go on with what is known', async () => {
    const keys = keysOf();
    await keys.find(hintA);
    server.serve('/jwks', { keys: [a.jwk, b.jwk] });
    at += 299 * SECOND;
    keys.current();
    expect(server.asked).toHaveLength(1);
    at += SECOND;
    const known = keys.current();
    for (let i = 0; i < 20; i++) expect(keys.find(hintA)).toMatchObject({ ok: true });
    await settled(2);
    expect(server.asked).toHaveLength(2);
    expect(keys.current()).not.toBe(known);
    expect(keys.find(hintB)).toMatchObject({ ok: true });
  });

  test('an unchanged set stays the same set', async () => {
    const keys = keysOf();
    await keys.find(hintA);
    const known = keys.current();
    server.serve('/jwks', { keys: [{ ...a.jwk, x5t: 'changed', foo: 1 }], more: true });
    at += 300 * SECOND;
    keys.current();
    await settled(2);
    expect(keys.current()).toBe(known);
  });

  test('keys older than maxAge are not used before they are renewed', async () => {
    const keys = keysOf();
    await keys.find(hintA);
    server.serve('/jwks', { keys: [b.jwk] });
    at += 600 * SECOND;
    expect(keys.current()).toBeUndefined();
    expect(told(await keys.find(hintA))).toBe('unknown');
  });

  test('known keys stay in use while their server fails, within the bound', async () => {
    const keys = keysOf();
    await keys.find(hintA);
    down();
    at += 600 * SECOND;
    expect(told(await keys.find(hintA))).toBe('ok');
    at = NOW + 4199 * SECOND;
    expect(keys.find(hintA)).toMatchObject({ ok: true });
    await settled(3);
    at = NOW + 4200 * SECOND;
    expect(keys.current()).toBeUndefined();
    expect(await keys.find(hintA)).toMatchObject({ reason: 'unavailable' });
    server.serve('/jwks', { keys: [a.jwk] });
    at += 60 * SECOND;
    expect(told(await keys.find(hintA))).toBe('ok');
  });

  test('a clock that is set back does not keep keys for ever', async () => {
    const keys = keysOf();
    await keys.find(hintA);
    at -= 86_400 * SECOND;
    expect(told(await keys.find(hintA))).toBe('ok');
    at += 600 * SECOND;
    expect(keys.current()).toBeUndefined();
  });

  test('does not delay retries', async () => {
    down();
    const keys = keysOf();
    await keys.find(hintA);
    server.serve('/jwks', { keys: [a.jwk] });
    at -= 86_400 * SECOND;
    expect(told(await keys.find(hintA))).toBe('ok');
  });
});

describe('an unknown key id', () => {
  test('is looked for once: a rotated key is found at once', async () => {
    const keys = keysOf();
    await keys.find(hintA);
    server.serve('/jwks', { keys: [b.jwk] });
    expect(told(await keys.find(hintB))).toBe('ok');
    expect(told(await keys.find(hintA))).toBe('unknown');
  });

  test('a thousand at once cost one fetch', async () => {
    const keys = keysOf();
    await keys.find(hintA);
    const answers = await Promise.all(
      Array.from({ length: 1000 }, async (_, i) => keys.find({ alg: 'ES256', kid: `random ${i}` })),
    );
    expect(new Set(answers.map(told))).toEqual(new Set(['unknown']));
    expect(server.asked).toHaveLength(2);
  });

  test('a steady flood costs a few fetches and then one in ten seconds', async () => {
    const keys = keysOf({ refreshAfter: '1h', maxAge: '1h' });
    await keys.find(hintA);
    for (let i = 0; i < 1000; i++) {
      await keys.find({ alg: 'ES256', kid: `random ${i}` });
      at += 100;
    }
    // 100 seconds: the first, a burst of three, and one for each interval.
    expect(server.asked.length).toBeLessThanOrEqual(1 + 3 + 10);
    expect(server.asked.length).toBeGreaterThan(8);
  });

  test('a rotated key is found in spite of a flood', async () => {
    const keys = keysOf();
    await keys.find(hintA);
    for (let i = 0; i < 100; i++) await keys.find({ alg: 'ES256', kid: `random ${i}` });
    server.serve('/jwks', { keys: [b.jwk] });
    at += 10 * SECOND;
    expect(told(await keys.find(hintB))).toBe('ok');
  });

  test('that is still unknown is not looked for again for a while', async () => {
    const keys = keysOf();
    await keys.find(hintA);
    await keys.find(hintB);
    expect(server.asked).toHaveLength(2);
    at += 29 * SECOND;
    expect(keys.find(hintB)).toMatchObject({ ok: false, reason: 'unknown' });
    at += SECOND;
    await keys.find(hintB);
    expect(server.asked).toHaveLength(3);
  });

  test('is unavailable, not unknown, while the server fails; known keys go on', async () => {
    const keys = keysOf();
    await keys.find(hintA);
    down();
    expect(told(await keys.find(hintB))).toBe('unavailable');
    expect(keys.find(hintB)).toMatchObject({ reason: 'unavailable' });
    expect(keys.find(hintA)).toMatchObject({ ok: true });
    expect(server.asked).toHaveLength(2);
  });

  test('a known id with another algorithm costs no fetch', async () => {
    const keys = keysOf();
    await keys.find(hintA);
    expect(keys.find({ alg: 'RS256', kid: 'a' })).toMatchObject({ ok: false, reason: 'unknown' });
    expect(keys.find({ alg: 'RS256', kid: undefined })).toMatchObject({
      ok: false,
      reason: 'unknown',
      // For operators: what there is instead.
      known: ['a: ES256'],
    });
    expect(server.asked).toHaveLength(1);
  });
});

describe('under authenticateJwt', () => {
  const policyOf = (keys: KeySource) => authenticateJwt({ issuer, audience, keys, now: () => at });
  const lasting = { payload: { exp: NOW / 1000 + 86_400 } };

  test('key server down: known tokens go on within the bound, then 503', async () => {
    const policy = policyOf(keysOf());
    const token = await a.token(lasting);
    const ask = async () => policy.check(bearer(token), {});
    expect(await ask()).toMatchObject({ ok: true });
    down();
    for (const seconds of [299, 300, 599, 600, 3000, 4199]) {
      at = NOW + seconds * SECOND;
      expect(await ask()).toMatchObject({ ok: true });
      await pause(20);
    }
    at = NOW + 4200 * SECOND;
    const outcome = await ask();
    expect(outcome).toMatchObject({
      ok: false,
      denial: { kind: 'unavailable', code: 'keys.unavailable' },
    });
    expect(outcome.ok ? 0 : outcome.denial.retryAfterMs).toBeGreaterThanOrEqual(1_000);
  });

  test('a key that was taken away takes its verified tokens with it', async () => {
    const policy = policyOf(keysOf());
    const token = await a.token(lasting);
    expect(await policy.check(bearer(token), {})).toMatchObject({ ok: true });
    server.serve('/jwks', { keys: [b.jwk] });
    at += 300 * SECOND;
    expect(await policy.check(bearer(token), {})).toMatchObject({ ok: true });
    await settled(2);
    expect(await policy.check(bearer(token), {})).toMatchObject({
      denial: { code: 'token.key_unknown' },
    });
  });

  test('a token that is bad by itself costs no fetch', async () => {
    const policy = policyOf(keysOf());
    const expired = await a.token({ payload: { exp: NOW / 1000 - 100 } });
    expect(policy.check(bearer(expired), {})).toMatchObject({ denial: { code: 'token.expired' } });
    expect(server.asked).toEqual([]);
  });
});

describe('misconfiguration', () => {
  test.each<[string, string, RemoteKeysOptions]>([
    ['no URL', 'jwks.json', {}],
    ['http', 'http://id.example.com/jwks', {}],
    ['http on this machine, not asked for', 'http://127.0.0.1/jwks', {}],
    [
      'http elsewhere, although asked for',
      'http://id.example.com/jwks',
      { insecureLoopback: true },
    ],
    [
      'a host that only looks like this machine',
      'http://localhost.example.com/',
      { insecureLoopback: true },
    ],
    ['another scheme', 'file:///etc/jwks.json', { insecureLoopback: true }],
    ['a user name', 'https://user@id.example.com/jwks', {}],
    ['a fragment', 'https://id.example.com/jwks#a', {}],
    ['a timeout without its unit', 'https://id.example.com/jwks', { timeout: 5_000 as never }],
    ['a timeout above a minute', 'https://id.example.com/jwks', { timeout: '61s' }],
    ['no timeout', 'https://id.example.com/jwks', { timeout: '0s' }],
    ['an unknown option', 'https://id.example.com/jwks', { cacheMaxAge: '10m' } as never],
    ['no bytes', 'https://id.example.com/jwks', { maxBytes: 0 }],
    ['an age before renewal', 'https://id.example.com/jwks', { refreshAfter: '10s', maxAge: '5s' }],
    ['an age without its unit', 'https://id.example.com/jwks', { maxAge: 600 as never }],
    ['a negative bound', 'https://id.example.com/jwks', { staleIfError: '-1s' }],
  ])('%s', (_name, url, options) => {
    expect(() => remoteJwks(url, options)).toThrow(ConfigurationError);
  });

  test('a URL object is as good as its text', () => {
    expect(() => remoteJwks(new URL('https://id.example.com/jwks'))).not.toThrow();
  });
});
