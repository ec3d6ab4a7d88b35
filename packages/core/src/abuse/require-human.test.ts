import type { IncomingMessage, ServerResponse } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type KeyServer, keyServer, text } from '../../test/key-server.ts';
import { listObligations } from '../engine/obligations.ts';
import { peerOf } from '../host/peer.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { hcaptcha } from './hcaptcha.ts';
import type { HumanVerifier } from './human-verifier.ts';
import { type RequireHumanOptions, requireHuman } from './require-human.ts';
import type { SiteverifyOptions } from './siteverify.ts';
import { turnstile } from './turnstile.ts';

const SECRET = 'a secret & more';
const facts = { peer: peerOf('192.0.2.1') };
const yes: HumanVerifier = { verify: () => ({ human: true }) };

/** What the stand-in says of a solved challenge. */
interface Solved {
  readonly hostname?: string | undefined;
  readonly action?: string | undefined;
}

let server: KeyServer;
let forms: URLSearchParams[];
let solved: Map<string, Solved>;

/** Stands in for a provider: knows the secret, the solved challenges, and takes each token once. */
beforeEach(async () => {
  server = await keyServer();
  forms = [];
  solved = new Map([
    ['good', { hostname: 'www.example.com', action: 'sign-up' }],
    ['elsewhere', { hostname: 'evil.example', action: 'sign-up' }],
    ['no-host', { action: 'sign-up' }],
    ['other-action', { hostname: 'www.example.com', action: 'login' }],
  ]);
  const answered = new Map<string, object>();
  const judge = (form: URLSearchParams): object => {
    if (form.get('secret') !== SECRET) {
      return { success: false, 'error-codes': ['invalid-input-secret'] };
    }
    const token = form.get('response') ?? '';
    const challenge = solved.get(token);
    solved.delete(token);
    const errors = challenge ? [] : ['timeout-or-duplicate'];
    return { success: challenge !== undefined, ...challenge, 'error-codes': errors };
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const form = new URLSearchParams(await readText(request));
    forms.push(form);
    const key = form.get('idempotency_key') ?? '';
    const verdict = answered.get(key) ?? judge(form);
    if (key !== '') answered.set(key, verdict);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(verdict));
  };
  server.serve('/siteverify', (request, response) => void answer(request, response));
});
afterEach(() => server[Symbol.asyncDispose]());

const site = (over: Partial<SiteverifyOptions> = {}): SiteverifyOptions => ({
  secret: SECRET,
  hostnames: ['www.example.com'],
  endpoint: `${server.origin}/siteverify`,
  insecureLoopback: true,
  ...over,
});

const providers = [
  ['turnstile', turnstile],
  ['hcaptcha', hcaptcha],
] as const;

const withToken = (token?: string): Request =>
  new Request('https://api.example.com/users', {
    method: 'POST',
    headers: token === undefined ? {} : { 'x-human-token': token },
  });

async function codeOf(options: RequireHumanOptions, token?: string): Promise<string | undefined> {
  const outcome = await requireHuman(options).check(withToken(token), facts);
  return outcome.ok ? outcome.degraded : outcome.denial.code;
}

describe.each(providers)('%s', (_, provider) => {
  test.each([
    ['a solved challenge passes', 'good', undefined],
    ['a made-up token', 'bad', 'human.denied'],
    ['a challenge of another page', 'elsewhere', 'human.denied'],
    ['a challenge of nobody knows which page', 'no-host', 'human.denied'],
    ['no token', undefined, 'human.missing'],
    ['an empty token', '', 'human.missing'],
    ['a token that tries to add parameters', 'x&secret=y&hostname=www.example.com', 'human.denied'],
    ['a token of 9,000 characters', 'x'.repeat(9_000), 'human.denied'],
  ])('%s', async (_name, token, code) => {
    expect(await codeOf({ verifier: provider(site()) }, token)).toBe(code);
  });

  test('a token passes once, also of many at once', async () => {
    const policy = requireHuman({ verifier: provider(site()) });
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, async () => policy.check(withToken('good'), facts)),
    );
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1);
  });

  test('the address of the caller is sent only if that was configured', async () => {
    await codeOf({ verifier: provider(site()) }, 'bad');
    await codeOf({ verifier: provider(site({ sendAddress: true })) }, 'bad');
    expect(forms.map((form) => form.get('remoteip'))).toEqual([null, '192.0.2.1']);
  });

  test('hostnames are compared without regard to case', async () => {
    const verifier = provider(site({ hostnames: ['WWW.Example.com'] }));
    expect(await codeOf({ verifier }, 'good')).toBeUndefined();
  });

  const faults: [string, Parameters<KeyServer['serve']>[1]][] = [
    ['is down', text('', 503)],
    ['is busy', text('', 429)],
    ['answers no JSON', text('<html>')],
    ['answers too much', text(`{"success":true,"x":"${'x'.repeat(20_000)}"}`)],
    ['answers without success', { hostname: 'www.example.com' }],
    ['answers that it failed itself', { success: false, 'error-codes': ['internal-error'] }],
    ['does not know our secret', { success: false, 'error-codes': ['invalid-input-secret'] }],
    ['sends us elsewhere', text('', 302, { location: 'https://www.example.com/' })],
    ['says yes in a text', { success: 'true', hostname: 'www.example.com' }],
    ['hangs', () => undefined],
    ['hangs up', (request) => void request.socket.destroy()],
  ];
  test.each(faults)('that %s: closed unless said otherwise', async (_name, answer) => {
    server.serve('/siteverify', answer);
    const verifier = provider(site({ timeout: '100ms' }));
    const closed = await requireHuman({ verifier }).check(withToken('good'), facts);
    expect(closed).toMatchObject({
      ok: false,
      denial: { kind: 'unavailable', code: 'human.unavailable' },
    });
    expect(await codeOf({ verifier, onStoreFailure: 'open' }, 'good')).toBe('human.unverified');
    expect(await codeOf({ verifier, onStoreFailure: 'open' })).toBe('human.missing');
  });

  test('a token that the provider chokes on cannot pass for an outage', async () => {
    server.serve('/siteverify', text('', 400));
    expect(await codeOf({ verifier: provider(site()), onStoreFailure: 'open' }, 'x')).toBe(
      'human.denied',
    );
  });

  test.each<[string, Partial<SiteverifyOptions>]>([
    ['no secret', { secret: '' }],
    ['no hostname', { hostnames: [] }],
    ['a hostname with a path', { hostnames: ['www.example.com/a'] }],
    ['an endpoint without TLS', { endpoint: 'http://verify.example' }],
    ['a timeout of nothing', { timeout: '0s' }],
  ])('%s cannot be constructed', (_name, options) => {
    expect(() => provider(site(options))).toThrow(ConfigurationError);
  });
});

describe('turnstile', () => {
  test('looks at the action where one is named', async () => {
    const verifier = turnstile({ ...site(), action: 'sign-up' });
    expect(await codeOf({ verifier }, 'other-action')).toBe('human.denied');
    expect(await codeOf({ verifier }, 'good')).toBeUndefined();
    expect(() => turnstile({ ...site(), action: 'a b' })).toThrow(ConfigurationError);
  });

  test('asks again under the same key where the answer was lost, so the token still counts', async () => {
    let lost = 0;
    const flaky: typeof fetch = async (...parameters) => {
      const response = await fetch(...parameters);
      if (lost++ > 0) return response;
      await response.arrayBuffer();
      throw new TypeError('connection reset');
    };
    expect(await codeOf({ verifier: turnstile(site({ fetch: flaky })) }, 'good')).toBeUndefined();
    const keys = forms.map((form) => form.get('idempotency_key'));
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
    await codeOf({ verifier: turnstile(site()) }, 'good');
    expect(forms.at(-1)?.get('idempotency_key')).not.toBe(keys[0]);
  });
});

test('the site key is sent to hCaptcha if one is configured', async () => {
  await codeOf({ verifier: hcaptcha({ ...site(), siteKey: 'my-site' }) }, 'good');
  expect(forms[0]?.get('sitekey')).toBe('my-site');
});

describe('with a verifier of its own', () => {
  test('a token is used up by its first call, whatever the verifier says later', async () => {
    const policy = requireHuman({ verifier: yes });
    expect(await policy.check(withToken('a'), facts)).toMatchObject({ ok: true });
    expect(await policy.check(withToken('a'), facts)).toMatchObject({
      ok: false,
      denial: { kind: 'forbidden', code: 'human.replayed' },
    });
    expect(await policy.check(withToken('b'), facts)).toMatchObject({ ok: true });
  });

  test('tokens that were denied take no room in the replay store', async () => {
    const putIfAbsent = vi.fn(() => true);
    const verifier = { verify: () => ({ human: false, reason: 'made up' }) };
    expect(await codeOf({ verifier, replay: { putIfAbsent } }, 'a')).toBe('human.denied');
    expect(putIfAbsent).not.toHaveBeenCalled();
  });

  test.each<[string, Partial<RequireHumanOptions>]>([
    [
      'a verifier that throws',
      {
        verifier: {
          verify: () => {
            throw new Error('x');
          },
        },
      },
    ],
    ['a verifier that never answers', { verifier: { verify: () => new Promise(() => undefined) } }],
    ['a verdict that is none', { verifier: { verify: () => ({ human: 'yes' }) as never } }],
    [
      'a replay store that rejects',
      { replay: { putIfAbsent: () => Promise.reject(new Error('x')) } },
    ],
    ['a replay store that answers nonsense', { replay: { putIfAbsent: () => 'OK' as never } }],
  ])('%s denies', async (_, options) => {
    expect(await codeOf({ verifier: yes, timeout: '20ms', ...options }, 'a')).toBe(
      'human.unavailable',
    );
  });

  test('the token may be in the body', async () => {
    const policy = requireHuman({
      verifier: yes,
      tokenInBody: (body) => (body as { readonly token?: unknown }).token,
    });
    const send = async (body: unknown) => {
      const outcome = await policy.check(withToken('in the header'), facts);
      return listObligations(outcome.obligations)[0]?.onMessage?.(body);
    };
    expect(await send({ token: 'a' })).toEqual({ ok: true });
    expect(await send({ token: 'a' })).toMatchObject({ denial: { code: 'human.replayed' } });
    expect(await send({ token: 7 })).toMatchObject({ denial: { code: 'human.missing' } });
    expect(await send({})).toMatchObject({ denial: { code: 'human.missing' } });
  });
});

test.each<[string, Partial<RequireHumanOptions>]>([
  ['no verifier', { verifier: undefined as never }],
  ['two places of the token', { token: () => 'a', tokenInBody: () => 'a' }],
  ['an unknown onStoreFailure', { onStoreFailure: 'maybe' as never }],
  ['no time', { timeout: '0s' }],
  ['a time without its unit', { timeout: 12_000 as never }],
  ['an option that it does not know', { onError: 'open' } as never],
  ['no memory', { replayTtl: '0s' }],
  ['no replay store', { replay: {} as never }],
])('%s cannot be constructed', (_, options) => {
  expect(() => requireHuman({ verifier: yes, ...options })).toThrow(ConfigurationError);
});

test('one solved challenge is not for many root fields of one GraphQL operation', async () => {
  const policy = requireHuman({ verifier: yes });
  const request = new Request('https://api.example.com/graphql', {
    method: 'POST',
    headers: { 'x-human-token': 'good' },
  });
  const field = { coordinate: 'Mutation.signUp', args: () => ({}) };
  const ask = async (fields: unknown) =>
    policy.check(request, {
      ...facts,
      call: { protocol: 'graphql', operation: 'mutation', fields },
    } as typeof facts);
  for (const fields of [[field, field], undefined]) {
    expect(await ask(fields)).toMatchObject({
      ok: false,
      denial: { kind: 'malformed', code: 'human.repeated' },
    });
  }
  expect(await ask([field])).toMatchObject({ ok: true });
});
