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
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, describe, expect, test } from 'vitest';
import { secure } from '../src/secure.ts';

const apps: FastifyInstance[] = [];
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

describeSignedBodies({
  name: 'Fastify',
  start: async (admission) => {
    const app = Fastify();
    apps.push(app);
    await app.register(secure(admission, { rawBody: true, maxBodyBytes: SIGNED_BODY_BYTES }));
    app.post('/orders', (request) => {
      const { rawBody, principal } = factsOf(request, admission);
      const { body } = request;
      return { body, bytes: rawBody.byteLength, subject: principal.subject };
    });
    return app.listen({ port: 0, host: '127.0.0.1' });
  },
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

  test('without the option, policies and handlers see the last of two members', async () => {
    seen.length = 0;
    const onMessage = (message: unknown) => {
      seen.push(message);
      return { ok: true } as const;
    };
    const see = definePolicy({ name: 'see', role: 'check', check: () => pass({}, { onMessage }) });
    const app = Fastify();
    apps.push(app);
    await app.register(secure(guard<HttpFacts>().use(see).use(allowAnonymous())));
    app.post('/', ({ body }) => body);
    const payload = '{"to":"alice","to":"mallory"}';
    const headers = { 'content-type': 'application/json' };
    const answer = await app.inject({ method: 'POST', url: '/', headers, payload });
    expect([answer.json(), seen]).toEqual([{ to: 'mallory' }, [{ to: 'mallory' }]]);
  });

  test('a guard that needs the bytes is not mounted without the option', () => {
    // @ts-expect-error the bytes are not supplied
    expect(() => secure(watched)).toThrow('needs the fact "rawBody"');
  });

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
