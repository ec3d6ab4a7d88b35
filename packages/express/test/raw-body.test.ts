import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
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
import express5 from 'express';
import express4 from 'express4';
import { afterEach, describe, expect, test } from 'vitest';
import { secure } from '../src/secure.ts';

const key = crypto.getRandomValues(new Uint8Array(32));
const partner = { algorithm: 'hmac-sha256', key, subject: 'partner' } as const;
const origin = 'https://api.example.com';
const signed = guard<HttpFacts & RawBodyFacts>()
  .use(authenticateSignature({ publicOrigin: origin, keys: { partner } }))
  .use(allowAuthenticated());

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

describe.each([
  ['Express 5', express5],
  ['Express 4', express4 as unknown as typeof express5],
])('signed bodies on %s', (_, express) => {
  const serve = async (): Promise<string> => {
    const app = express();
    app.use(secure(signed, { rawBody: true, maxBodyBytes: 1_000 }));
    app.use(express.json(), express.urlencoded({ extended: false }));
    app.all('/orders', (req, res) => {
      const { rawBody, principal } = factsOf(req, signed);
      const body: unknown = req.body;
      res.json({ body, bytes: rawBody.byteLength, subject: principal.subject });
    });
    const server = app.listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
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
    ['a form', 'a=1&a=2&b=3', 'application/x-www-form-urlencoded', { a: ['1', '2'], b: '3' }],
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
    [
      'a member that is there twice',
      '{"a":1,"a":2}',
      'application/json',
      (t) => t,
      400,
      'message.malformed',
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

  test.each<[string, number]>([
    ['{"to":"alice","to":"mallory"}', 400],
    ['{"to":"alice"}', 200],
  ])('beside bytes that another parser has kept, %s is answered with %i', async (body, status) => {
    const seen: unknown[] = [];
    const see = definePolicy({
      name: 'see',
      role: 'check',
      needs: ['rawBody'],
      check: () =>
        pass(
          {},
          {
            onMessage: (message) => {
              seen.push(message);
              return { ok: true };
            },
          },
        ),
    });
    const watched = guard<HttpFacts & RawBodyFacts>().use(see).use(allowAnonymous());
    const app = express();
    const keep = (request: object, _response: unknown, bytes: Buffer): void => {
      Object.assign(request, { rawBody: bytes });
    };
    app.use(express.json({ verify: keep }), secure(watched, { rawBody: true }));
    app.post('/', (_request, response) => {
      response.send('handled');
    });
    const server = app.listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(url, { method: 'POST', headers, body });
    expect(answer.status).toBe(status);
    expect(await answer.text()).toContain(status === 200 ? 'handled' : 'message.malformed');
    expect(seen).toHaveLength(status === 200 ? 1 : 0);
  });
});
