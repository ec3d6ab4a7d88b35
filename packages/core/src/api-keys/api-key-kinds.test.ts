import { describe, expect, test } from 'vitest';
import { anyOf } from '../engine/combine.ts';
import { UNKNOWN_PEER } from '../host/peer.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { sha256 } from '../lib/hash.ts';
import { httpDenial } from '../wire/http.ts';
import type { NewApiKey, VerifiedApiKey } from './api-key.ts';
import { type ApiKeysOptions, apiKeys } from './api-keys.ts';
import { type AuthenticateApiKeyOptions, authenticateApiKey } from './authenticate-api-key.ts';
import { memoryApiKeyStore } from './memory-api-key-store.ts';

const START = 1_700_000_000_000;
const DAY = 86_400_000;
const peppers = { current: 'v1', keys: { v1: crypto.getRandomValues(new Uint8Array(32)) } };
const owner = { type: 'organisation', id: 'shop' } as const;
const origins = ['https://shop.example.com'];
const apps = ['com.example.shop'];
const facts = { peer: UNKNOWN_PEER };

function setup(options: Partial<ApiKeysOptions> = {}) {
  const store = options.store ?? memoryApiKeyStore();
  const clock = { at: START };
  const work: Promise<void>[] = [];
  const make = (more: Partial<ApiKeysOptions> = {}) =>
    apiKeys({
      prefix: 'sk',
      environment: 'live',
      store,
      peppers,
      now: () => clock.at,
      waitUntil: (each) => work.push(each),
      ...options,
      ...more,
    });
  const settled = async (): Promise<void> => {
    while (work.length > 0) await work.pop();
  };
  return { store, clock, make, keys: make(), settled };
}

async function issued(keys: ReturnType<typeof apiKeys>, terms: Partial<NewApiKey> = {}) {
  const answer = await keys.issue({ name: 'Shop', owner, ...terms });
  if (!answer.ok) throw new Error(answer.problem ?? answer.reason);
  return { key: answer.key, id: answer.info.id };
}

async function told(
  options: AuthenticateApiKeyOptions,
  headers: Record<string, string>,
): Promise<string> {
  const request = new Request('https://api.example.com/prices', { headers });
  const outcome = await authenticateApiKey(options).check(request, facts);
  return outcome.ok ? 'passed' : `${httpDenial(outcome.denial).status} ${outcome.denial.code}`;
}

describe('publishable keys', () => {
  const { make } = setup();
  const publishable = make({ prefix: 'pk', publishable: true });
  const secret = make();

  test.each<[string, string, NewApiKey['publishable'], Record<string, string>]>([
    ['a page of its origin', 'passed', { origins }, { origin: 'https://shop.example.com' }],
    [
      'another origin',
      '403 api_key.origin_not_allowed',
      { origins },
      { origin: 'https://evil.example' },
    ],
    [
      'an origin that begins like it',
      '403 api_key.origin_not_allowed',
      { origins },
      { origin: 'https://shop.example.com.evil.example' },
    ],
    [
      'an origin without TLS',
      '403 api_key.origin_not_allowed',
      { origins },
      { origin: 'http://shop.example.com' },
    ],
    ['a sandboxed page', '403 api_key.origin_not_allowed', { origins }, { origin: 'null' }],
    [
      'two origins',
      '403 api_key.origin_not_allowed',
      { origins },
      { origin: 'https://shop.example.com, https://evil.example' },
    ],
    ['no page at all', '403 api_key.origin_not_allowed', { origins }, {}],
    ['its app', 'passed', { apps }, { 'x-app': 'com.example.shop' }],
    ['another app', '403 api_key.app_not_allowed', { apps }, { 'x-app': 'com.example.evil' }],
    ['no app', '403 api_key.app_not_allowed', { apps }, {}],
    [
      'a page that says that it is the app',
      '403 api_key.origin_not_allowed',
      { apps },
      { 'x-app': 'com.example.shop', origin: 'https://evil.example' },
    ],
    [
      'its app, where it may be a page too',
      'passed',
      { origins, apps },
      { 'x-app': 'com.example.shop' },
    ],
    [
      'its page, where it may be an app too',
      'passed',
      { origins, apps },
      { origin: 'https://shop.example.com' },
    ],
  ])('from %s: %s', async (_name, expected, places, headers) => {
    const { key } = await issued(publishable, { publishable: places });
    const options = { keys: publishable, allowPublishable: true, appHeader: 'x-app' };
    expect(await told(options, { 'x-api-key': key, ...headers })).toBe(expected);
  });

  test('are not taken where a secret key is asked for, and that is said', async () => {
    const { key } = await issued(publishable, { publishable: { origins } });
    const headers = { 'x-api-key': key, origin: 'https://shop.example.com' };
    expect(await told({ keys: secret }, headers)).toBe('401 api_key.publishable');
    const both = authenticateApiKey({ keys: [secret, publishable], allowPublishable: true });
    const other = authenticateApiKey({ keys: secret, header: 'x-secret-key' });
    const outcome = await anyOf(other, both).check(
      new Request('https://api.example.com', { headers }),
      facts,
    );
    expect(outcome.ok && outcome.facts?.apiKey.publishable).toEqual({ origins });
  });

  test('and secret keys are accepted by one policy if it says so, each by its prefix', async () => {
    const options = { keys: [secret, publishable], allowPublishable: true };
    const open = await issued(publishable, { publishable: { origins } });
    const closed = await issued(secret);
    expect(await told(options, { 'x-api-key': closed.key })).toBe('passed');
    expect(await told(options, { 'x-api-key': open.key })).toBe('403 api_key.origin_not_allowed');
    const denied = await authenticateApiKey(options).check(
      new Request('https://api.example.com', { headers: { 'x-api-key': open.key } }),
      facts,
    );
    expect(denied).toMatchObject({ ok: false, denial: { cause: { allowed: origins } } });
    const headers = { authorization: `Bearer ${open.key}`, origin: 'https://shop.example.com' };
    expect(await told({ ...options, scheme: 'Bearer' }, headers)).toBe('passed');
  });

  test('do not become secret because another instance takes their prefix for that of secret ones', async () => {
    const { make: makeOne } = setup();
    const open = makeOne({ prefix: 'acmepk', publishable: true });
    const { key } = await issued(open, { publishable: { origins } });
    expect(await open.verify(key)).toMatchObject({ ok: true });
    expect(await makeOne({ prefix: 'acmepk' }).verify(key)).toMatchObject({
      ok: false,
      code: 'api_key.unknown',
    });
    const lying = { prefix: 'acmepk', verify: open.verify };
    const headers = { 'x-api-key': key, origin: 'https://shop.example.com' };
    expect(await told({ keys: lying }, headers)).toBe('401 api_key.publishable');
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['no place', { origins: [] }],
    ['an origin with a path', { origins: ['https://shop.example.com/'] }],
    ['an origin without TLS', { origins: ['http://shop.example.com'] }],
    ['every origin', { origins: ['*'] }],
    ['no origin', { origins: ['null'] }],
    ['an app with a comma', { apps: ['a,b'] }],
    ['origins in one text', { origins: 'https://shop.example.com' }],
  ])('are not issued for %s', async (_name, places) => {
    const answer = await publishable.issue({ name: 'x', owner, publishable: places as never });
    expect(answer).toMatchObject({ ok: false, reason: 'invalid' });
  });

  test('a secret key has no places', async () => {
    const answer = await secret.issue({ name: 'x', owner, publishable: { origins } });
    expect(answer).toMatchObject({ ok: false, reason: 'invalid' });
  });

  test.each<[string, () => unknown]>([
    ['secret keys that begin like publishable ones', () => make({ prefix: 'pk' })],
    ['publishable keys that begin like secret ones', () => make({ publishable: true })],
    ['a policy that does not allow them', () => authenticateApiKey({ keys: publishable })],
    [
      'a policy that allows what there is not',
      () => authenticateApiKey({ keys: secret, allowPublishable: true }),
    ],
    [
      'a header of apps for secret keys',
      () => authenticateApiKey({ keys: secret, appHeader: 'x-app' }),
    ],
    ['two kinds with one prefix', () => authenticateApiKey({ keys: [secret, make()] })],
    ['no kind', () => authenticateApiKey({ keys: [] })],
  ])('cannot be constructed with %s', (_name, construct) => {
    expect(construct).toThrow(ConfigurationError);
  });
});

describe('rotateAfter', () => {
  test('reports a key that is overdue once a day, and lets it pass', async () => {
    const overdue: VerifiedApiKey[] = [];
    const { keys, clock, settled } = setup({
      rotateAfter: '90d',
      onOverdue: (key) => overdue.push(key),
    });
    const { key, id } = await issued(keys);
    expect((await keys.get(id))?.rotateBy).toBe(START + 90 * DAY);
    const use = async (at: number) => {
      clock.at = at;
      expect(await keys.verify(key)).toMatchObject({ ok: true });
      await settled();
    };
    await use(START + 90 * DAY - 1);
    expect(overdue).toEqual([]);
    for (const later of [60_000, 120_000, DAY / 2, DAY]) await use(START + 90 * DAY + later);
    expect(overdue.map((each) => each.id)).toEqual([id]);
    await use(START + 91 * DAY + 120_000);
    expect(overdue).toHaveLength(2);
  });

  test('starts again with a rotation', async () => {
    const { keys, clock } = setup({ rotateAfter: '90d' });
    const { id } = await issued(keys);
    clock.at += 100 * DAY;
    await keys.rotate(id, { overlapMs: 0 });
    expect((await keys.get(id))?.rotateBy).toBe(clock.at + 90 * DAY);
    expect((await keys.list({ tenant: undefined })).keys[0]?.rotateBy).toBe(clock.at + 90 * DAY);
  });

  test('a hook that throws changes nothing', async () => {
    const { keys, clock, settled } = setup({
      rotateAfter: '1d',
      onOverdue: () => {
        throw new Error('mail server');
      },
    });
    const { key } = await issued(keys);
    clock.at += 2 * DAY;
    expect(await keys.verify(key)).toMatchObject({ ok: true });
    await settled();
  });
});

describe('keys of another product', () => {
  const FOREIGN = /^old-([a-z0-9]{8})-[a-z0-9]{16}$/;
  let compared = 0;
  const imported = {
    lookup: (text: string) => FOREIGN.exec(text)?.[1],
    verify: async (text: string, hash: string) => {
      compared++;
      return (await sha256(text)) === hash;
    },
  };
  const old = 'old-a1b2c3d4-0123456789abcdef';
  const takeOver = async (options: Partial<ApiKeysOptions> = {}) => {
    const kit = setup({ imported, ...options });
    const answer = await kit.keys.import({
      name: 'Old',
      owner,
      scopes: ['orders:read'],
      lookup: 'a1b2c3d4',
      hash: await sha256(old),
      secretMadeAt: START - DAY,
    });
    if (!answer.ok) throw new Error(answer.problem ?? answer.reason);
    compared = 0;
    return { ...kit, id: answer.info.id };
  };
  const codeOf = async (answer: unknown) => {
    const result = (await answer) as { ok: boolean; code?: string };
    return result.ok ? 'ok' : result.code;
  };

  test('verify as they are, and get a hash of our own when they are used', async () => {
    const { keys, make, store, id, settled } = await takeOver({ rotateAfter: '90d' });
    expect(await keys.verify(old)).toMatchObject({
      ok: true,
      key: { id, secret: 'current', rotateBy: START + 89 * DAY },
    });
    await settled();
    const record = await store.get(id);
    expect(record?.secret.pepper).toBe('v1');
    expect(record?.secret.hash).toMatch(/^[0-9a-f]{64}$/);
    compared = 0;
    expect(await codeOf(make().verify(old))).toBe('ok');
    expect(compared).toBe(0);
    expect(JSON.stringify(await keys.get(id))).not.toContain(await sha256(old));
  });

  test.each<[string, string, string]>([
    ['with another secret', 'old-a1b2c3d4-ffffffffffffffff', 'api_key.unknown'],
    ['that was not taken over', 'old-zzzzzzzz-0123456789abcdef', 'api_key.unknown'],
    ['of no product', 'whatever', 'api_key.malformed'],
    ['that is empty', '', 'api_key.malformed'],
    ['beyond all size', `old-a1b2c3d4-${'0'.repeat(5_000)}`, 'api_key.malformed'],
  ])('a key %s is denied', async (_name, text, code) => {
    const { keys } = await takeOver();
    expect(await codeOf(keys.verify(text))).toBe(code);
  });

  // The function here takes whatever it gets, so that what is denied is denied before it or after.
  test.each<[string, unknown, unknown, string]>([
    ['of 512 characters', 'o'.repeat(512), 'a1b2c3d4', 'api_key.unknown'],
    ['of 513 characters', 'o'.repeat(513), 'a1b2c3d4', 'api_key.malformed'],
    ['without any', '', 'a1b2c3d4', 'api_key.malformed'],
    ['that is not a text', 7, 'a1b2c3d4', 'api_key.malformed'],
    ['with an id of 256 characters', 'old', 'i'.repeat(256), 'api_key.unknown'],
    ['with an id of 257 characters', 'old', 'i'.repeat(257), 'api_key.malformed'],
    ['with an empty id', 'old', '', 'api_key.malformed'],
    ['with an id that is not a text', 'old', ['a1b2c3d4'], 'api_key.malformed'],
    ['without an id', 'old', undefined, 'api_key.malformed'],
  ])('a text %s is held to its bounds', async (_name, text, id, code) => {
    const { keys } = await takeOver({
      imported: { ...imported, lookup: () => id as string | undefined },
    });
    expect(await codeOf(keys.verify(text as string))).toBe(code);
  });

  test('are read once for many at once, and once more for none that was denied just now', async () => {
    const inner = memoryApiKeyStore();
    let reads = 0;
    const store = {
      ...inner,
      get: async (id: string) => {
        reads++;
        return inner.get(id);
      },
    };
    const { keys } = await takeOver({ store });
    const unknown = 'old-a1b2c3d4-ffffffffffffffff';
    reads = 0;
    const first = keys.verify(unknown);
    await new Promise((resolve) => setTimeout(resolve));
    const answers = [first, keys.verify(unknown), keys.verify(unknown)];
    expect(await Promise.all(answers.map(codeOf))).toEqual(Array(3).fill('api_key.unknown'));
    expect(await codeOf(keys.verify(unknown))).toBe('api_key.unknown');
    expect(reads).toBe(1);
  });

  test('are not compared with a key in our format, even if its id was made up', async () => {
    const { keys, id } = await takeOver();
    const { makeKey } = await import('./api-key-format.ts');
    const made = makeKey({ prefix: 'sk', environment: 'live', id });
    expect(await codeOf(keys.verify(made))).toBe('api_key.unknown');
    expect(compared).toBe(0);
  });

  test('are rotated to keys in our format, and valid until the overlap ends', async () => {
    const { keys, clock, id } = await takeOver();
    const rotated = await keys.rotate(id, { overlapMs: 10_000 });
    expect(rotated.ok && (await codeOf(keys.verify(rotated.key)))).toBe('ok');
    expect(await keys.verify(old)).toMatchObject({ ok: true, key: { secret: 'previous' } });
    clock.at += 10_000;
    expect(await codeOf(keys.verify(old))).toBe('api_key.rotated');
  });

  test('are revoked and taken over once', async () => {
    const { keys, id } = await takeOver();
    const again = { name: 'Old', owner, lookup: 'a1b2c3d4', hash: 'x' };
    expect(await keys.import(again)).toEqual({ ok: false, reason: 'conflict' });
    await keys.revoke(id);
    expect(await codeOf(keys.verify(old))).toBe('api_key.revoked');
  });

  test('are bounded under a flood, and many calls with one key compare it once', async () => {
    const { keys } = await takeOver({ maxUnknownPerSecond: 20 });
    const codes = await Promise.all(Array.from({ length: 15 }, () => codeOf(keys.verify(old))));
    expect(new Set(codes)).toEqual(new Set(['ok']));
    expect(compared).toBe(1);
    const flood = await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        codeOf(keys.verify(`old-${String(n).padStart(8, '0')}-0123456789abcdef`)),
      ),
    );
    expect(flood.filter((code) => code === 'api_key.unknown').length).toBeLessThanOrEqual(20);
  });

  test.each<[string, Partial<ApiKeysOptions>['imported'], string]>([
    [
      'compares with a fault',
      { ...imported, verify: () => Promise.reject(new Error('x')) },
      'api_key.store_unavailable',
    ],
    [
      'answers what only looks true',
      { ...imported, verify: () => 'yes' as never },
      'api_key.unknown',
    ],
    [
      'throws at a text',
      {
        ...imported,
        lookup: () => {
          throw new Error('x');
        },
      },
      'api_key.malformed',
    ],
  ])('a function that %s lets nobody in', async (_name, broken, code) => {
    const { make } = await takeOver();
    expect(await codeOf(make({ imported: broken }).verify(old))).toBe(code);
  });

  test('are only imported where they can be verified', async () => {
    const { keys } = setup();
    expect(await keys.import({ name: 'Old', owner, lookup: 'a', hash: 'b' })).toMatchObject({
      reason: 'invalid',
    });
    const { keys: fine } = setup({ imported });
    for (const wrong of [{ lookup: '' }, { hash: '' }, { hash: 'x'.repeat(2_000) }, { name: '' }]) {
      const answer = await fine.import({ name: 'Old', owner, lookup: 'a', hash: 'b', ...wrong });
      expect(answer).toMatchObject({ ok: false, reason: 'invalid' });
    }
  });
});
