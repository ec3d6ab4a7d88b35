import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import {
  allowAnonymous,
  authenticateJwt,
  cors,
  coverage,
  crossOrigin,
  fixedWindow,
  guard,
  localJwks,
  rateLimit,
  remoteJwks,
  requireScopes,
  slidingWindow,
} from '@apisec/core';
import { testIssuer } from '@apisec/core/testing';
import { secure } from '@apisec/express';
import { secure as secureFastify } from '@apisec/fastify';
import { secure as secureHono } from '@apisec/hono';
import { defineAbility } from '@casl/ability';
import fastifyJwt from '@fastify/jwt';
import fastifyRateLimit from '@fastify/rate-limit';
import express, { type Express, type RequestHandler } from 'express';
import { auth } from 'express-oauth2-jwt-bearer';
import { rateLimit as rateLimitOfExpress } from 'express-rate-limit';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { csrf } from 'hono/csrf';
import { jwk } from 'hono/jwk';
import { SignJWT } from 'jose';
import { afterEach, describe, expect, test, vi } from 'vitest';

// What docs/comparison.md says of others, run against the versions that this repository installs.

// It comes without types.
const usualCors = createRequire(import.meta.url)('cors') as (options: object) => RequestHandler;
const EVIL = 'https://evil.test';
const issuer = testIssuer();
const scope = 'orders:read';
const orders = guard().use(authenticateJwt(issuer.trust)).use(requireScopes(scope));
const anyone = guard().use(allowAnonymous());
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** Serves an application; answers the address of its one route. */
async function served(app: Express): Promise<string> {
  const server = createServer(app).listen(0, '127.0.0.1');
  ends.push(() => server.close());
  await once(server, 'listening');
  // It listens over TCP, so its address has a port.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/orders`;
}

/** An Express application behind one handler, and how often its route ran. */
async function behind(handler: RequestHandler) {
  let calls = 0;
  const app = express().set('env', 'test');
  app.use(handler);
  app.all('/orders', (_request, response) => {
    calls++;
    response.json({});
  });
  return { url: await served(app), calls: () => calls };
}

describe('keys of the issuer', () => {
  test('express-oauth2-jwt-bearer: a key server that is away', async () => {
    const away = 'http://127.0.0.1:1/jwks';
    const token = await issuer.token({ scope });
    const usual = await behind(
      auth({ issuer: issuer.issuer, audience: issuer.audience, jwksUri: away }),
    );
    const answer = await fetch(usual.url, { headers: bearer(token) });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('connect ECONNREFUSED 127.0.0.1:1');

    const keys = remoteJwks('https://id.example.com/jwks', {
      fetch: () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.7:443')),
    });
    const { url } = await behind(
      secure(
        guard()
          .use(authenticateJwt({ ...issuer.trust, keys }))
          .use(requireScopes(scope)),
        {
          onFault: () => undefined,
        },
      ),
    );
    const here = await fetch(url, { headers: bearer(token) });
    expect(here.status).toBe(503);
    expect(here.headers.get('retry-after')).not.toBeNull();
    expect(await here.text()).not.toContain('10.0.0.7');
  });
});

describe('tokens', () => {
  const secret = 'a secret of this test that is long enough';
  const options = { issuer: issuer.issuer, audience: issuer.audience } as const;
  const signed = (claims: Record<string, unknown>, typ: string) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', typ })
      .setExpirationTime('5m')
      .setIssuedAt()
      .sign(new TextEncoder().encode(secret));
  const k = Buffer.from(secret).toString('base64url');
  const keys = localJwks({ keys: [{ kty: 'oct', alg: 'HS256', k }] });
  const here = guard()
    .use(authenticateJwt({ ...options, keys, algorithms: ['HS256'] }))
    .use(requireScopes(scope));
  const claims = {
    iss: options.issuer,
    aud: options.audience,
    sub: 'alice',
    jti: '1',
    client_id: 'c',
    scope,
  };

  test('express-oauth2-jwt-bearer: an ID token in place of an access token', async () => {
    const idToken = await signed({ ...claims, nonce: 'n' }, 'JWT');
    const usual = await behind(auth({ ...options, secret, tokenSigningAlg: 'HS256' }));
    expect((await fetch(usual.url, { headers: bearer(idToken) })).status).toBe(200);
    const { url } = await behind(secure(here, { onFault: () => undefined }));
    const answer = await fetch(url, { headers: bearer(idToken) });
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ code: 'token.type_refused' });
    const access = await signed(claims, 'at+jwt');
    expect((await fetch(url, { headers: bearer(access) })).status).toBe(200);
  });

  test('@fastify/jwt: a token for another API, and one without an end', async () => {
    const usual = Fastify();
    ends.push(() => usual.close());
    await usual.register(fastifyJwt, { secret });
    usual.addHook('onRequest', (request) => request.jwtVerify());
    usual.get('/orders', () => ({}));
    const foreign = await signed({ ...claims, aud: 'https://other.test' }, 'at+jwt');
    const endless = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' })
      .sign(new TextEncoder().encode(secret));
    const mine = Fastify();
    ends.push(() => mine.close());
    await mine.register(secureFastify(here));
    mine.get('/orders', () => ({}));
    for (const [token, code] of [
      [foreign, 'token.audience_mismatch'],
      [endless, 'token.claim_missing'],
    ] as const) {
      const call = { url: '/orders', headers: bearer(token) };
      expect((await usual.inject(call)).statusCode).toBe(200);
      const denied = await mine.inject(call);
      expect(denied.statusCode).toBe(401);
      expect(denied.json()).toMatchObject({ code });
    }
  });

  test('hono/jwk: a token for another API', async () => {
    const { keys } = await issuer.jwks();
    const usual = new Hono()
      .use(jwk({ keys: [...keys] as never, alg: ['ES256'] }))
      .get('/orders', (c) => c.json({}));
    const foreign = { scope, aud: 'https://other.test' };
    const plain = await issuer.token(foreign, { typ: 'JWT' });
    expect((await usual.request('/orders', { headers: bearer(plain) })).status).toBe(200);
    // The type that RFC 9068 prescribes, at+jwt, it does not take.
    const typed = await issuer.token({ scope });
    expect((await usual.request('/orders', { headers: bearer(typed) })).status).toBe(401);
    // @ts-expect-error It does not compile either.
    expect(() => authenticateJwt({ issuer: issuer.issuer })).toThrow('audience');
    const mine = new Hono().use(secureHono(orders)).get('/orders', (c) => c.json({}));
    const headers = bearer(await issuer.token(foreign));
    expect((await mine.request('/orders', { headers })).status).toBe(401);
  });
});

describe('browsers', () => {
  test('cors: an origin that is not allowed', async () => {
    const call = { method: 'POST', headers: { origin: EVIL } };
    const usual = await behind(usualCors({ origin: ['https://app.test'] }));
    expect((await fetch(usual.url, call)).status).toBe(200);
    expect(usual.calls()).toBe(1);
    const here = await behind(
      secure(
        guard()
          .use(cors({ origins: ['https://app.test'] }))
          .use(allowAnonymous()),
      ),
    );
    expect((await fetch(here.url, call)).status).toBe(403);
    expect(here.calls()).toBe(0);
  });

  test('cors: every origin with credentials', async () => {
    const usual = await behind(usualCors({ origin: true, credentials: true }));
    const { headers } = await fetch(usual.url, { headers: { origin: EVIL } });
    expect(headers.get('access-control-allow-origin')).toBe(EVIL);
    expect(headers.get('access-control-allow-credentials')).toBe('true');
    expect(() => cors({ origins: '*', credentials: true } as never)).toThrow('credentials');
  });

  test('hono/csrf: JSON from another site', async () => {
    const call = {
      method: 'POST',
      headers: { origin: EVIL, 'sec-fetch-site': 'cross-site', 'content-type': 'application/json' },
      body: '{}',
    };
    const usual = new Hono().use(csrf()).post('/orders', (c) => c.json({}));
    expect((await usual.request('https://api.test/orders', call)).status).toBe(200);
    const here = new Hono()
      .use(secureHono(guard().use(crossOrigin()).use(allowAnonymous())))
      .post('/orders', (c) => c.json({}));
    expect((await here.request('https://api.test/orders', call)).status).toBe(403);
  });
});

describe('limits', () => {
  test('@fastify/rate-limit: a denied caller and 5,000 others', async () => {
    const flood = 5_001;
    const usual = Fastify();
    ends.push(() => usual.close());
    await usual.register(fastifyRateLimit, {
      max: 1,
      timeWindow: '1 hour',
      keyGenerator: ({ headers }) => String(headers['x-caller']),
    });
    usual.get('/orders', () => ({}));
    const statusOf = async (caller: string) =>
      (await usual.inject({ url: '/orders', headers: { 'x-caller': caller } })).statusCode;
    await statusOf('mallory');
    expect(await statusOf('mallory')).toBe(429);
    for (let index = 0; index < flood; index++) await statusOf(`${index}`);
    expect(await statusOf('mallory')).toBe(200);

    const policy = rateLimit({
      limit: fixedWindow({ limit: 1, window: '1h' }),
      by: ({ caller }: { caller: string }) => caller,
    });
    const request = new Request('https://api.test/orders');
    const passes = (caller: string) => policy.check(request, { caller }).ok;
    expect(passes('mallory')).toBe(true);
    expect(passes('mallory')).toBe(false);
    for (let index = 0; index < flood; index++) passes(`${index}`);
    expect(passes('mallory')).toBe(false);
  });

  test('express-rate-limit: the border of a window', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2030, 0, 1) });
    ends.push(() => vi.useRealTimers());
    const limit = 10;
    const usual = await behind(rateLimitOfExpress({ windowMs: 60_000, limit, validate: false }));
    const here = await behind(
      secure(
        guard()
          .use(rateLimit({ limit: slidingWindow({ limit, window: '1m' }), by: 'everyone' }))
          .use(allowAnonymous()),
      ),
    );
    for (const { url } of [usual, here]) await fetch(url);
    vi.setSystemTime(Date.now() + 59_500);
    for (const { url } of [usual, here]) for (let call = 1; call < limit; call++) await fetch(url);
    vi.setSystemTime(Date.now() + 1_000);
    for (const { url } of [usual, here]) for (let call = 0; call < limit; call++) await fetch(url);
    expect(usual.calls()).toBe(2 * limit);
    expect(here.calls()).toBeLessThanOrEqual(limit + 1);
  });
});

describe('what was forgotten', () => {
  test('Express: a route that nobody put a middleware on', async () => {
    const app = express();
    app.get('/orders', (_request, response) => void response.json({}));
    expect((await fetch(await served(app))).status).toBe(200);
    const here = await behind(secure(coverage({ 'GET /health': anyone })));
    const answer = await fetch(here.url);
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ code: 'operation.unlisted' });
  });

  test('CASL: a type, where the rule is about own objects', () => {
    const ability = defineAbility((can) => can('read', 'Order', { owner: 'alice' }));
    expect(ability.can('read', 'Order')).toBe(true);
  });
});
