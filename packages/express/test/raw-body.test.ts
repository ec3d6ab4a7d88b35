import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describeSignedBodies, SIGNED_BODY_BYTES } from '@apisec/conformance/signed-bodies';
import {
  allowAnonymous,
  definePolicy,
  factsOf,
  guard,
  type HttpFacts,
  pass,
  type RawBodyFacts,
} from '@apisec/core';
import express5 from 'express';
import express4 from 'express4';
import { afterEach, describe, expect, test } from 'vitest';
import { secure } from '../src/secure.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Answers where the application listens. */
async function listen(app: express5.Express): Promise<string> {
  const server = app.listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const versions = [
  ['Express 5', express5],
  // The types of Express 5 fit what is called here of Express 4.
  ['Express 4', express4 as unknown as typeof express5],
] as const;

for (const [name, express] of versions) {
  describeSignedBodies({
    name,
    start: (admission) => {
      const app = express();
      app.use(secure(admission, { rawBody: true, maxBodyBytes: SIGNED_BODY_BYTES }));
      app.use(express.json());
      app.post('/orders', (req, res) => {
        const { rawBody, principal } = factsOf(req, admission);
        const body: unknown = req.body;
        res.json({ body, bytes: rawBody.byteLength, subject: principal.subject });
      });
      return listen(app);
    },
  });
}

const bytes = guard<HttpFacts & RawBodyFacts>()
  .use(definePolicy({ name: 'bytes', role: 'check', needs: ['rawBody'], check: () => pass() }))
  .use(allowAnonymous());

describe.each(versions)('bodies with their bytes on %s', (_, express) => {
  const post = async (body: string, type: string): Promise<Response> => {
    const app = express();
    app.use(secure(bytes, { rawBody: true }));
    app.use(express.json(), express.urlencoded({ extended: false }));
    app.post('/', (request, response) => void response.json(request.body));
    const headers = { 'content-type': type };
    return fetch(await listen(app), { method: 'POST', headers, body });
  };

  test('a form passes, and handlers find it parsed', async () => {
    const response = await post('a=1&a=2&b=3', 'application/x-www-form-urlencoded');
    expect(await response.json()).toEqual({ a: ['1', '2'], b: '3' });
  });

  test('a repeated member denies the call', async () => {
    const response = await post('{"a":1,"a":2}', 'application/json');
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('message.malformed');
  });

  test('without the option, policies and handlers see the last of two members', async () => {
    const seen: unknown[] = [];
    const onMessage = (message: unknown) => {
      seen.push(message);
      return { ok: true } as const;
    };
    const see = definePolicy({ name: 'see', role: 'check', check: () => pass({}, { onMessage }) });
    const app = express();
    app.use(express.json(), secure(guard<HttpFacts>().use(see).use(allowAnonymous())));
    app.post('/', (request, response) => void response.json(request.body));
    const headers = { 'content-type': 'application/json' };
    const body = '{"to":"alice","to":"mallory"}';
    const answer = await fetch(await listen(app), { method: 'POST', headers, body });
    expect([await answer.json(), seen]).toEqual([{ to: 'mallory' }, [{ to: 'mallory' }]]);
  });

  test('a guard that needs the bytes is not mounted without the option', () => {
    // @ts-expect-error the bytes are not supplied
    expect(() => secure(bytes)).toThrow('needs the fact "rawBody"');
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
    const url = await listen(app);
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(url, { method: 'POST', headers, body });
    expect(answer.status).toBe(status);
    expect(await answer.text()).toContain(status === 200 ? 'handled' : 'message.malformed');
    expect(seen).toHaveLength(status === 200 ? 1 : 0);
  });
});
