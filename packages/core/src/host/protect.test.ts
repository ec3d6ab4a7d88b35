import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { validateInput } from '../data/validate-input.ts';
import type { HttpFacts, RawBodyFacts } from '../engine/facts.ts';
import { factsOf } from '../engine/facts-of.ts';
import { guard } from '../engine/guard.ts';
import type { Obligations } from '../engine/obligations.ts';
import { deny, pass } from '../engine/outcome.ts';
import { definePolicy } from '../engine/policy.ts';
import { allowedContentTypes } from '../http/allowed-content-types.ts';
import { limitBody } from '../http/limit-body.ts';
import { securityHeaders } from '../http/security-headers.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { fetchBodies } from './fetch-bodies.ts';
import { fetchProblems } from './fetch-problems.ts';
import { protect } from './protect.ts';

const open = guard<HttpFacts>().use(securityHeaders()).use(allowAnonymous());
const closed = guard<HttpFacts>()
  .use(securityHeaders())
  .use(
    definePolicy({ name: 'closed', role: 'check', check: () => deny('forbidden', 'shop.closed') }),
  )
  .use(allowAnonymous());
const request = () => new Request('https://api.example.com/orders/7?page=2#top', { method: 'PUT' });

describe('protect', () => {
  test('hands an admitted call to its handler, with facts and whatever the runtime adds', async () => {
    const serve = protect(open, (incoming, { call }, env: { readonly region: string }) =>
      Response.json([call.operation, factsOf(incoming, open) !== undefined, env.region]),
    );
    const response = await serve(request(), { region: 'eu' });
    expect(await response.json()).toEqual(['PUT /orders/7', true, 'eu']);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('denies before the handler, with problem details and headers', async () => {
    const handler = vi.fn<() => Response>(() => new Response('never'));
    const response = await protect(closed, handler)(request());
    expect(response.status).toBe(403);
    expect(await response.json()).toEqual({
      type: 'about:blank',
      title: 'Forbidden',
      status: 403,
      code: 'shop.closed',
    });
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(handler).not.toHaveBeenCalled();
  });

  test('supplies what the options say of operation and peer', async () => {
    const peer = { address: '192.0.2.1', id: '192.0.2.1' };
    const serve = protect(open, (_request, facts, _peer: typeof peer) => Response.json(facts), {
      operation: () => 'PUT /orders/:id',
      peer: (_request, known: typeof peer) => known,
      requestId: () => 'ray-1',
    });
    expect(await (await serve(request(), peer)).json()).toEqual({
      call: { protocol: 'http', operation: 'PUT /orders/:id' },
      peer,
      requestId: 'ray-1',
    });
  });

  test('answers denials and what handlers throw with problem types and the id of the call', async () => {
    const faults: unknown[] = [];
    const serve = protect(
      open,
      (received) => {
        const status = Number(new URL(received.url).searchParams.get('status'));
        throw Object.assign(new Error('secret'), { status });
      },
      {
        problems: fetchProblems({ problemTypeBase: 'https://api.example.com/problems/' }),
        requestId: () => 'ray-1',
        onFault: (cause) => faults.push(cause),
      },
    );
    const answer = async (status: number): Promise<unknown> => {
      const response = await serve(new Request(`https://x/?status=${status}`));
      expect(response.headers.get('x-request-id')).toBe('ray-1');
      const text = await response.text();
      expect(text).not.toContain('secret');
      return JSON.parse(text);
    };
    expect(await answer(404)).toEqual({
      type: 'https://api.example.com/problems/http.not_found',
      title: 'Not Found',
      status: 404,
      code: 'http.not_found',
      requestId: 'ray-1',
    });
    expect(faults).toEqual([]);
    for (const odd of [0, 200, 999, 500]) {
      expect(await answer(odd)).toMatchObject({ status: 500, code: 'handler.threw' });
    }
    expect(faults).toHaveLength(4);
  });

  test.each([
    ['status', 400, 400],
    ['status', 599, 599],
    ['statusCode', 422, 422],
    ['status', 399, 500],
    ['statusCode', 600, 500],
  ])('answers an error whose %s is %d with %d', async (name, given, status) => {
    const options = { problems: fetchProblems(), onFault: () => undefined };
    const serve = protect(
      open,
      () => {
        throw Object.assign(new Error('secret'), { [name]: given });
      },
      options,
    );
    expect((await serve(request())).status).toBe(status);
  });

  test('cannot be constructed with a base of problem types that is not a URL', () => {
    for (const problemTypeBase of ['/problems/', 'https://x', 'https://x/a b/', 7]) {
      const make = () => fetchProblems({ problemTypeBase } as never);
      expect(make).toThrow(/problemTypeBase/);
    }
  });

  test('without a peer option, nobody is known', async () => {
    const serve = protect(open, (_request, { peer }) => Response.json(peer.id ?? 'nobody'));
    expect(await (await serve(request())).json()).toBe('nobody');
  });

  test.each<[string, object]>([
    ['operation', { operation: () => fail() }],
    ['peer', { peer: () => fail() }],
  ])(
    'a throw of %s closes the call without disclosing anything to the caller',
    async (_name, options) => {
      const handler = vi.fn<() => Response>(() => new Response('never'));
      const faults: unknown[] = [];
      const onFault = (cause: unknown) => faults.push(cause);
      const response = await protect(open, handler, { ...options, onFault })(request());
      expect(response.status).toBe(500);
      expect(await response.json()).toMatchObject({ code: 'call.unattested' });
      expect(faults).toHaveLength(1);
      expect(handler).not.toHaveBeenCalled();
      // Nobody listens: still an answer, not a throw.
      expect((await protect(open, handler, options)(request())).status).toBe(500);
    },
  );

  test('an error of the handler goes to onFault, and the caller gets a plain 500', async () => {
    const faults: unknown[] = [];
    const onFault = (cause: unknown) => faults.push(cause);
    const response = await protect(open, () => fail(), { onFault })(request());
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(text).toContain('handler.threw');
    expect(text).not.toContain('secret');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(faults).toHaveLength(1);
  });

  test('an onFault that throws itself changes nothing', async () => {
    const response = await protect(open, () => fail(), { onFault: () => fail() })(request());
    expect(response.status).toBe(500);
  });

  test('without onFault, an error of the handler goes to the runtime', async () => {
    await expect(protect(open, () => fail())(request())).rejects.toThrow('secret');
  });

  test('a guard without a grant cannot be mounted', () => {
    const checks = guard().use(securityHeaders());
    // @ts-expect-error plain JavaScript has no compiler
    expect(() => protect(checks, () => new Response())).toThrow(ConfigurationError);
  });

  test.each([Number.NaN, 0, -1, 1.5, Number.POSITIVE_INFINITY])(
    'cannot be constructed with a body limit of %d',
    (maxBytes) => {
      expect(() => fetchBodies({ maxBytes })).toThrow(ConfigurationError);
    },
  );

  test('facts of one call are not visible to another', async () => {
    let count = 0;
    const admission = guard()
      .use(definePolicy({ name: 'count', role: 'check', check: async () => pass({ n: ++count }) }))
      .use(allowAnonymous());
    const serve = protect(admission, async (incoming) => {
      await Promise.resolve();
      return Response.json(factsOf(incoming, admission).n);
    });
    const calls = Array.from({ length: 50 }, async () => (await serve(request())).json());
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
  });
});

function fail(): never {
  throw new Error('secret');
}

describe('protect with rawBody', () => {
  const seen = guard<HttpFacts & RawBodyFacts>()
    .use(securityHeaders())
    .use(
      definePolicy({
        name: 'bytes',
        role: 'check',
        check: (incoming, { rawBody }: RawBodyFacts) =>
          pass({ bytes: [...rawBody], length: incoming.headers.get('content-length') }),
      }),
    )
    .use(allowAnonymous());
  const serve = protect(
    seen,
    async (incoming, { bytes, length }) =>
      Response.json([bytes, [...new Uint8Array(await incoming.arrayBuffer())], length]),
    { bodies: fetchBodies({ raw: true, maxBytes: 4 }) },
  );
  const send = (body: BodyInit | null, init: RequestInit = {}) =>
    serve(new Request('https://api.example.com/', { method: 'POST', body, ...init }));

  test.each([
    ['bytes that are not text', [0xff, 0, 0xc3, 0x28]],
    ['an empty body', []],
  ])('policies and handler see the same bytes: %s', async (_, bytes) => {
    const headers = { 'content-length': String(bytes.length) };
    const response = await send(Uint8Array.from(bytes), { headers });
    expect(await response.json()).toEqual([bytes, bytes, String(bytes.length)]);
  });

  test('no body is an empty one', async () => {
    expect(await (await send(null, { method: 'GET' })).json()).toEqual([[], [], null]);
  });

  test('a body larger than allowed is denied while it streams', async () => {
    let given = 0;
    const body = new ReadableStream({
      pull: (controller) => {
        given++;
        controller.enqueue(new Uint8Array(3));
      },
    });
    const init = { duplex: 'half' } as RequestInit;
    const response = await send(body, init);
    expect([response.status, (await response.json()).code]).toEqual([413, 'message.too_large']);
    expect(given).toBeLessThan(5);
    expect((await send('1234')).status).toBe(200);
  });

  test('a body that breaks off is denied', async () => {
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error('gone')) });
    const response = await send(body, { duplex: 'half' } as RequestInit);
    expect([response.status, (await response.json()).code]).toEqual([400, 'message.malformed']);
  });

  test('a body that was read before cannot be supplied', async () => {
    const used = new Request('https://api.example.com/', { method: 'POST', body: 'x' });
    await used.text();
    expect((await serve(used)).status).toBe(500);
  });
});

describe('a body that the handler cannot read', () => {
  const json = (incoming: Request) => incoming.json().then(() => new Response('read'));
  const form = (incoming: Request) => incoming.formData().then(() => new Response('read'));
  const strict = validateInput({ body: z.strictObject({ a: z.number() }) });
  const onlyForms = allowedContentTypes({ types: ['multipart/form-data'] });
  test.each([
    ['JSON', json, 'application/json', '{"a":', limitBody(), 400, 'body.malformed'],
    ['JSON for a schema', json, 'application/json', '{"a":', strict, 400, 'message.malformed'],
    ['a form', form, 'multipart/form-data; boundary=x', '--x', limitBody(), 400, 'body.malformed'],
    ['no form', form, 'application/json', '{}', onlyForms, 415, 'content_type.not_allowed'],
  ])(
    'as %s is 500, and denied by its policy',
    async (_, handler, type, body, policy, status, code) => {
      const incoming = () =>
        new Request('https://api.example.com/', {
          method: 'POST',
          headers: { 'content-type': type },
          body,
        });
      const options = {
        bodies: fetchBodies(),
        problems: fetchProblems(),
        onFault: () => undefined,
      };
      expect((await protect(open, handler, options)(incoming())).status).toBe(500);
      const bounded = guard<HttpFacts>().use(policy).use(allowAnonymous());
      const denied = await protect(bounded, handler, options)(incoming());
      expect(denied.status).toBe(status);
      expect(await denied.json()).toMatchObject({ code });
    },
  );
});

describe('protect without bodies', () => {
  const looking = (needs: readonly string[]) =>
    guard()
      .use(
        definePolicy({
          name: 'look',
          role: 'check',
          needs,
          check: () => pass({}, { onMessage: () => ({ ok: true }) }),
        }),
      )
      .use(allowAnonymous());

  test('is not mounted for a policy that says it needs them', () => {
    expect(() => protect(looking(['bodies']), () => new Response())).toThrow(
      /look needs .*bodies: fetchBodies\(\)/,
    );
    const options = { bodies: fetchBodies() };
    expect(() => protect(looking(['bodies']), () => new Response(), options)).not.toThrow();
  });

  test.each(['onMessage', 'onRelease', 'body'] as const)(
    'denies a call whose policy asks for one with %s, and says why',
    async (which) => {
      const watcher = { push: () => undefined, end: () => undefined, parsed: () => undefined };
      const obligations = {
        onMessage: { onMessage: () => ({ ok: true }) },
        onRelease: { onRelease: () => ({ ok: true }) },
        body: { body: watcher },
      } as const;
      const admission = guard()
        .use(
          definePolicy({
            name: 'look',
            role: 'check',
            check: () => pass({}, obligations[which] as Obligations),
          }),
        )
        .use(allowAnonymous());
      const faults: unknown[] = [];
      const serve = protect(admission, () => fail(), { onFault: (cause) => faults.push(cause) });
      const response = await serve(request());
      expect(await response.json()).toMatchObject({ status: 500, code: 'message.unavailable' });
      expect(
        JSON.stringify(faults, (_, each) => (each instanceof Error ? each.message : each)),
      ).toMatch(/fetchBodies\(\)/);
    },
  );

  test.each([true, {}, 'yes'])('cannot be constructed with %j in their place', (bodies) => {
    expect(() => protect(open, () => new Response(), { bodies: bodies as never })).toThrow(
      ConfigurationError,
    );
  });
});
