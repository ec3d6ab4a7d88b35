import {
  allowAnonymous,
  allowAuthenticated,
  authenticateSignature,
  definePolicy,
  factsOf,
  guard,
  type HttpFacts,
  pass,
  type RawBodyFacts,
  signRequest,
} from '@apisec/core';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, describe, expect, test } from 'vitest';
import { secure } from '../src/secure.ts';

const key = crypto.getRandomValues(new Uint8Array(32));
const partner = { algorithm: 'hmac-sha256', key, subject: 'partner' } as const;
const origin = 'https://api.example.com';
const signed = guard<HttpFacts & RawBodyFacts>()
  .use(authenticateSignature({ publicOrigin: origin, keys: { partner } }))
  .use(allowAuthenticated());

const apps: FastifyInstance[] = [];
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

describe('signed bodies', () => {
  const serve = async (): Promise<string> => {
    const app = Fastify();
    apps.push(app);
    await app.register(secure(signed, { rawBody: true, maxBodyBytes: 1_000 }));
    app.post('/orders', (request) => {
      const { rawBody, principal } = factsOf(request, signed);
      const { body } = request;
      return { body, bytes: rawBody.byteLength, subject: principal.subject };
    });
    return app.listen({ port: 0, host: '127.0.0.1' });
  };

  /** Signed for the public origin, sent to where the server listens. */
  const send = async (body: BodyInit | null, type?: string, change = (text: string) => text) => {
    const base = await serve();
    const headers = type === undefined ? {} : { 'content-type': type };
    const request = new Request(`${origin}/orders`, { method: 'POST', body, headers });
    const made = await signRequest(request, { keyid: 'partner', algorithm: 'hmac-sha256', key });
    const text = await made.text();
    const { method } = made;
    return fetch(`${base}/orders`, { method, headers: made.headers, body: change(text) });
  };

  test.each<[string, string | null, string | undefined, unknown]>([
    ['JSON', '{"a":[1,2]}', 'application/json', { a: [1, 2] }],
    ['text', 'hello', 'text/plain', 'hello'],
  ])('%s passes with its bytes, and handlers find it parsed', async (_name, body, type, parsed) => {
    const response = await send(body, type);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      body: parsed,
      bytes: body?.length ?? 0,
      subject: 'partner',
    });
  });

  test.each<[string, string, string, (text: string) => string, number, string]>([
    [
      'a byte that was changed',
      '{"amount":5}',
      'application/json',
      (t) => t.replace('5', '9'),
      401,
      'signature.',
    ],
    [
      'more bytes than allowed',
      `"${'a'.repeat(2_000)}"`,
      'application/json',
      (t) => t,
      413,
      'message.too_large',
    ],
  ])('%s denies the call', async (_name, body, type, change, status, code) => {
    const response = await send(body, type, change);
    expect(response.status).toBe(status);
    expect(await response.text()).toContain(code);
  });

  test('a guard that needs the bytes is not mounted without the option', () => {
    // @ts-expect-error the bytes are not supplied
    expect(() => secure(signed)).toThrow('needs the fact "rawBody"');
  });
});

describe('bodies that a policy sees beside their bytes', () => {
  const seen: unknown[] = [];
  const watched = guard<HttpFacts & RawBodyFacts>()
    .use(
      definePolicy({
        name: 'see',
        role: 'check',
        needs: ['rawBody'],
        check: () =>
          pass(
            {},
            {
              onMessage: (body) => {
                seen.push(body);
                return { ok: true };
              },
            },
          ),
      }),
    )
    .use(allowAnonymous());
  const post = async (body: string, type = 'application/json') => {
    seen.length = 0;
    const app = Fastify();
    apps.push(app);
    await app.register(secure(watched, { rawBody: true }));
    // As a handler with a reader of its own does, which may take the first of two members.
    app.post('/', (request) => Buffer.from(factsOf(request, watched).rawBody).toString());
    return app.inject({ method: 'POST', url: '/', headers: { 'content-type': type }, body });
  };

  test.each(['{"to":"alice","to":"mallory"}', '{"a":[{"b":1,"\\u0062":2}]}', '{"a":1e400}'])(
    'a body that two readers read differently is denied: %s',
    async (body) => {
      const answer = await post(body);
      expect(answer.statusCode).toBe(400);
      expect(answer.json()).toMatchObject({ code: 'message.malformed' });
      expect(seen).toEqual([]);
    },
  );

  test.each([
    ['{"to":"alice","note":"to"}', 'application/json', { to: 'alice', note: 'to' }],
    ['{"to":1,"to":2}', 'text/plain', '{"to":1,"to":2}'],
  ])('a body that every reader reads alike passes: %s', async (body, type, value) => {
    const answer = await post(body, type);
    expect(answer.statusCode).toBe(200);
    expect(answer.body).toBe(body);
    expect(seen).toEqual([value]);
  });
});
