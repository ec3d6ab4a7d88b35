import {
  authenticateJwt,
  discoverIssuer,
  guard,
  type HttpFacts,
  type Policy,
  protect,
  type RevocationStore,
  type Revocations,
  requireDpop,
  type requireNotRevoked,
  requireScopes,
} from '@apisec/core';
import { type OAuthClient, type TokenSource, toNodeHandler } from '@apisec/oauth';
import type { connectRedis } from '@apisec/redis';
import { serve, startIdentityProvider } from 'apisec-example-identity-provider';
import { afterEach, expect, test, vi } from 'vitest';
import { prover } from '../../../packages/core/test/dpop-kit.ts';
import { hasRedis, mustHaveRedis, startRedis } from '../../../packages/redis/test/redis-server.ts';
import { runGuide } from '../src/run-guide.ts';
import { clientSecret } from '../src/running/guides-dpop.ts';
import { provider } from '../src/running/provider.ts';
import { callOf } from './guarded.ts';

const REDIS = 'redis://127.0.0.1:6379';
const TIMEOUT = 60_000;
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
  vi.unstubAllGlobals();
});

type Redis = ReturnType<typeof connectRedis>;

/** Closes what a guide has connected, before its server ends. */
function closing(block: Readonly<Record<string, unknown>> | undefined): void {
  ends.push(() => (block?.['redis'] as Redis | undefined)?.disconnect());
}

test.skipIf(!hasRedis && !mustHaveRedis)(
  'the guide to DPoP denies bound tokens without a proof of their key, and its client brings one',
  async () => {
    const redis = await startRedis();
    ends.push(redis.close);
    const { server, origin, close } = await serve();
    ends.push(close);
    const api = 'https://api.example.com';
    const { issuer, ...rest } = await startIdentityProvider({
      apis: { [origin]: 'orders:read' },
      clients: [
        {
          client_id: 'billing',
          client_secret: clientSecret,
          grant_types: ['client_credentials'],
          redirect_uris: [],
          response_types: [],
          scope: 'orders:read',
        },
      ],
      features: { clientCredentials: { enabled: true }, dPoP: { enabled: true } },
    });
    ends.push(rest.close);
    const answer: { serve: (request: Request) => Promise<Response> } = {
      serve: async () => new Response(null, { status: 503 }),
    };
    const handle = toNodeHandler({
      base: '',
      origin,
      fetch: (request) => answer.serve(request),
    });
    server.on('request', (req, res) => void handle(req, res));
    const seen: string[] = [];
    // The API that the client of the guide calls: with nonces, so it is sent back once.
    const dpop = requireDpop({ publicOrigin: origin, required: true });
    const keys = discoverIssuer(issuer, { insecureLoopback: true });
    const guarded = guard()
      .use(authenticateJwt({ issuer, audience: origin, keys, schemes: ['DPoP'] }))
      .use(dpop)
      .use(requireScopes('orders:read'));
    const orders = protect(guarded, (_request, { principal }) =>
      Response.json({ of: principal.subject }),
    );
    answer.serve = async (request) => {
      seen.push(request.headers.get('dpop') ?? '');
      return orders(request);
    };

    vi.stubGlobal('fetch', (input: string | URL | Request, init?: RequestInit) => {
      const url = String(input instanceof Request ? input.url : input);
      return url.startsWith(provider.issuer) ? provider.fetch(input) : loopback(input, init);
    });
    const [shown, several, client] = await runGuide('dpop', [0, 1, 2], {
      "issuer: 'https://id.example.com',": `issuer: '${issuer}', insecureLoopback: true,`,
      "resource: ['https://api.example.com']": `resource: ['${origin}']`,
      "origins: ['https://api.example.com']": `origins: ['${origin}']`,
      "source.fetch('https://api.example.com/orders')": `source.fetch('${origin}/orders')`,
      [REDIS]: redis.url,
    });
    closing(several);

    const response = client?.['response'] as Response;
    expect([response.status, await response.json()]).toEqual([200, { of: 'billing' }]);
    expect(seen).toHaveLength(1);
    const { source } = client as unknown as { readonly source: TokenSource };
    const call = { method: 'GET', url: `${origin}/orders` };
    const made = await source.headers(call);
    const headers = made.ok ? made.headers : {};
    const replay = async () => (await orders(new Request(call.url, { headers }))).status;
    expect([await replay(), await replay()]).toEqual([200, 401]);
    expect(
      (await (client as unknown as { readonly client: OAuthClient }).client.clientCredentials()).ok,
    ).toBe(true);

    // The guards of the page, with a token and proofs that the test makes.
    const holder = await prover();
    const token = await provider.token({ scope: 'orders:read', cnf: { jkt: holder.jkt } });
    const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token));
    const ath = Buffer.from(hash).toString('base64url');
    const proof = (more: object = {}) =>
      holder.proof({ claims: { ath, iat: Math.floor(Date.now() / 1_000), ...more } });
    const authenticated = shown?.['authenticated'] as ReturnType<typeof guard<HttpFacts>>;
    const plain = shown?.['orders'];
    const shared = authenticated
      .use(several?.['shared'] as Policy<object, object, 'check'>)
      .use(requireScopes('orders:read') as unknown as Policy<object, object, 'grant'>);
    const ask = async (admission: unknown, given: Record<string, string>) => {
      const handler = protect(admission as typeof guarded, () => Response.json({ code: 'in' }));
      const answered = await handler(new Request(`${api}/orders`, { headers: given }));
      const { code } = (await answered.json()) as { readonly code: string };
      return { code, nonce: answered.headers.get('dpop-nonce') ?? '' };
    };
    const authorization = `DPoP ${token}`;
    const good = await proof();
    expect((await ask(plain, { authorization, dpop: good })).code).toBe('in');
    expect((await ask(plain, { authorization, dpop: good })).code).toBe('dpop.replayed');
    expect((await ask(plain, { authorization })).code).toBe('dpop.missing');
    const elsewhere = await proof({ htu: `${api}/payments` });
    expect((await ask(plain, { authorization, dpop: elsewhere })).code).toBe(
      'dpop.target_mismatch',
    );
    const unbound = await provider.token({ scope: 'orders:read' });
    expect((await ask(plain, { authorization: `DPoP ${unbound}` })).code).toBe('token.unconfirmed');
    const asBearer = { authorization: `Bearer ${token}`, dpop: await proof() };
    expect((await ask(plain, asBearer)).code).toBe('credentials.missing');
    // Bound tokens are denied where nobody checks their proof.
    const forgotten = authenticated.use(
      requireScopes('orders:read') as unknown as Policy<object, object, 'grant'>,
    );
    const { code } = await ask(forgotten, { authorization, dpop: await proof() });
    expect(code).toBe('token.unconfirmed');

    const { nonce, code: first } = await ask(shared, { authorization, dpop: await proof() });
    expect(first).toBe('dpop.nonce_missing');
    const withNonce = await proof({ nonce, iat: 1 });
    expect((await ask(shared, { authorization, dpop: withNonce })).code).toBe('in');
    expect((await ask(shared, { authorization, dpop: withNonce })).code).toBe('dpop.replayed');
  },
  TIMEOUT,
);

const loopback = globalThis.fetch;

test.skipIf(!hasRedis && !mustHaveRedis)(
  'the guide to revocation denies what was revoked, in one process and several, and what its issuer has ended',
  async () => {
    const redis = await startRedis();
    ends.push(redis.close);
    let active = true;
    vi.stubGlobal('fetch', async (input: string | URL | Request) => {
      const url = String(input instanceof Request ? input.url : input);
      if (!url.endsWith('/introspect')) return provider.fetch(input);
      const { issuer: iss, audience: aud } = provider;
      const now = Math.floor(Date.now() / 1_000);
      const claims = { iss, aud, sub: 'alice', iat: now, exp: now + 60, scope: 'orders:read' };
      return Response.json(active ? { active, token_type: 'Bearer', ...claims } : { active });
    });
    const [one, acts, several, asking] = await runGuide('revocation', [0, 1, 2, 3], {
      [REDIS]: redis.url,
    });
    closing(several);

    const call = callOf(one?.['orders']);
    const status = async (claims: object = {}) =>
      (await call({ scope: 'orders:read', ...claims })).status;
    const revoked = one?.['revoked'] as Revocations;
    const { issuer } = provider;
    const { signOutEverywhere, block, unblock } = acts as Readonly<
      Record<'signOutEverywhere' | 'block' | 'unblock', (id: string) => Promise<void>>
    >;
    const soon = { iat: Math.floor(Date.now() / 1_000) + 5 };
    expect(await status()).toBe(200);
    await revoked.revoke({ kind: 'token', issuer, id: 'j1' });
    await revoked.revoke({ kind: 'session', issuer, id: 's1' });
    await revoked.revoke({ kind: 'tenant', id: 'acme' });
    expect([await status({ jti: 'j1' }), await status({ sid: 's1' })]).toEqual([401, 401]);
    expect([await status({ jti: 'j2' }), await status({ sid: 's2' })]).toEqual([200, 200]);
    await signOutEverywhere('alice');
    expect([await status(), await status({ sub: 'bob' }), await status(soon)]).toEqual([
      401, 200, 200,
    ]);
    await block('test-client');
    expect([await status(soon), await status({ ...soon, client_id: 'other' })]).toEqual([401, 200]);
    await unblock('test-client');
    expect(await status(soon)).toBe(200);

    const check = several?.['sharedCheck'] as ReturnType<typeof requireNotRevoked>;
    const store = several?.['sharedStore'] as RevocationStore;
    const principal = { type: 'user', issuer, subject: 'alice' };
    const authentication = { scheme: 'Bearer', claims: { jti: 'j1' } };
    const facts = { principal, authentication } as unknown as Parameters<typeof check.check>[1];
    const request = new Request(provider.audience);
    expect(await check.check(request, facts)).toMatchObject({ ok: true });
    const { revocations } = await import('@apisec/core');
    await revocations({ store, maxTokenLifetime: '1h' }).revoke({
      kind: 'token',
      issuer,
      id: 'j1',
    });
    expect(await check.check(request, facts)).toMatchObject({ denial: { code: 'token.revoked' } });
    await redis.kill();
    const other = { principal, authentication: { scheme: 'Bearer', claims: { jti: 'j2' } } };
    expect(await check.check(request, other as unknown as typeof facts)).toMatchObject({
      denial: { code: 'revocation.unavailable' },
    });

    const introspected = protect(
      asking?.['asking'] as Parameters<typeof protect>[0],
      () => new Response(),
    );
    const ask = async (token: string) => {
      const headers = { authorization: `Bearer ${token}` };
      return (await introspected(new Request(provider.audience, { headers }))).status;
    };
    expect(await ask('opaque-1')).toBe(200);
    active = false;
    // Known for 30 seconds yet; another one is asked about.
    expect([await ask('opaque-1'), await ask('opaque-2')]).toEqual([200, 401]);
  },
  TIMEOUT,
);
