import { describe, expect, test } from 'vitest';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { guard } from '../engine/guard.ts';
import type { BodyOutcome, Completion, HeaderEdit, Obligations } from '../engine/obligations.ts';
import { deny, pass } from '../engine/outcome.ts';
import { definePolicy } from '../engine/policy.ts';
import { fetchBodies } from './fetch-bodies.ts';
import { protect } from './protect.ts';

type Handler = (request: Request) => Response | Promise<Response>;

const MARK: HeaderEdit = { op: 'set', name: 'x-mark', value: 'on' };
const MAX = 32;

/** A fetch-style handler behind an open guard with one set of obligations; with what `onFault` was told. */
function behind(duty: Obligations, handler: Handler, denying = false) {
  const admission = guard()
    .use(
      definePolicy({
        name: 'duty',
        role: 'check',
        always: { headers: [MARK], ...duty },
        check: () => (denying ? deny('forbidden', 'shop.closed') : pass()),
      }),
    )
    .use(allowAnonymous());
  const faults: unknown[] = [];
  const serve = protect(admission, (incoming) => handler(incoming), {
    bodies: fetchBodies({ maxBytes: MAX }),
    onFault: (cause) => faults.push(cause),
  });
  return { serve, faults };
}

async function codeOf(response: Response): Promise<unknown> {
  return ((await response.json()) as { readonly code?: unknown }).code;
}

function post(body: BodyInit | null, type = 'application/json'): Request {
  // Node asks for `duplex` with a stream; the DOM types do not know it.
  const init = { method: 'POST', body, headers: { 'content-type': type }, duplex: 'half' };
  return new Request('https://api.example.com/orders', init);
}

const get = (method = 'GET') => new Request('https://api.example.com/orders', { method });

/** Endless, so that whoever reads it to the end never comes back; counts what was taken. */
function endless(chunk = '"aaaaaaaa"') {
  const seen = { taken: 0, cancelled: false };
  const body = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        seen.taken++;
        controller.enqueue(new TextEncoder().encode(chunk));
      },
      cancel: () => {
        seen.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { body, seen };
}

describe('a response that goes out', () => {
  test.each<[string, Handler, number, string]>([
    ['with a body', () => new Response('hello', { status: 201 }), 201, 'hello'],
    ['without one', () => new Response(null, { status: 204 }), 204, ''],
    ['that is not modified', () => new Response(null, { status: 304 }), 304, ''],
    [
      'whose headers cannot be changed',
      () => Response.redirect('https://example.com/', 307),
      307,
      '',
    ],
    ['that comes later', async () => Promise.resolve(new Response('later')), 200, 'later'],
  ])('%s carries the headers of the guard', async (_name, handler, status, text) => {
    const response = await behind({}, handler).serve(get());
    expect([response.status, await response.text()]).toEqual([status, text]);
    expect(response.headers.get('x-mark')).toBe('on');
  });

  test('keeps its status text, its cookies and what the handler has set itself', async () => {
    const headers = new Headers([
      ['x-mark', 'mine'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ]);
    const { serve } = behind({}, () => new Response('', { statusText: 'Fine', headers }));
    const response = await serve(get());
    expect(response.statusText).toBe('Fine');
    expect(response.headers.get('x-mark')).toBe('mine');
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  });

  test('edits apply in order: a removed header can be set again, and the last setting counts', async () => {
    const edits: HeaderEdit[] = [
      { op: 'delete', name: 'X-Powered-By' },
      { op: 'set', name: 'X-Powered-By', value: 'first' },
      { op: 'set', name: 'x-powered-by', value: 'second' },
      { op: 'append', name: 'vary', value: 'Origin' },
      { op: 'set', name: 'X-Own', value: 'never' },
    ];
    const headers = { 'x-powered-by': 'handler', vary: 'Accept', 'x-own': 'handler' };
    const response = await behind({ headers: edits }, () => new Response('', { headers })).serve(
      get(),
    );
    expect(response.headers.get('x-powered-by')).toBe('second');
    expect(response.headers.get('vary')).toBe('Accept, Origin');
    expect(response.headers.get('x-own')).toBe('handler');
  });

  test('is not touched itself: one object may answer many calls', async () => {
    const shared = new Response(null, { status: 204 });
    const { serve } = behind(
      { headers: [{ op: 'append', name: 'vary', value: 'Origin' }] },
      () => shared,
    );
    await serve(get());
    expect((await serve(get())).headers.get('vary')).toBe('Origin');
    expect([...shared.headers]).toEqual([]);
  });

  test('streams: nothing is taken before the caller asks', async () => {
    const { body, seen } = endless('tick');
    const { serve } = behind({ onComplete: () => undefined }, () => new Response(body));
    const reader = (await serve(get())).body?.getReader();
    expect(seen.taken).toBe(0);
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('tick');
    expect(seen.taken).toBeLessThanOrEqual(2);
    await reader?.cancel();
    expect(seen.cancelled).toBe(true);
  });

  test('an upgrade is handed on as it is', async () => {
    // Node cannot make one; runtimes that can keep the socket in it.
    const upgrade = {
      status: 101,
      headers: new Headers(),
      body: null,
      bodyUsed: false,
    } as Response;
    expect(await behind({}, () => upgrade).serve(get())).toBe(upgrade);
  });
});

describe('what cannot be sent', () => {
  const used = async () => {
    const response = new Response('x');
    await response.text();
    return response;
  };
  const locked = () => {
    const response = new Response('x');
    response.body?.getReader();
    return response;
  };
  test.each<[string, () => unknown]>([
    ['nothing', () => undefined],
    ['null', () => null],
    ['a text', () => 'secret'],
    ['an object', () => ({ status: 200, secret: true })],
    ['a network error', () => Response.error()],
    ['a body that was read', used],
    ['a body that somebody reads', locked],
  ])('%s becomes a plain 500', async (_name, handler) => {
    const response = await behind({}, handler as Handler).serve(get());
    expect(response.status).toBe(500);
    expect(response.headers.get('x-mark')).toBe('on');
    expect(await codeOf(response)).toBe('handler.invalid_response');
  });

  test.each<[string, HeaderEdit]>([
    ['a line break', { op: 'set', name: 'x-evil', value: 'a\r\nset-cookie: b=c' }],
    ['a name that is none', { op: 'append', name: 'x evil', value: 'a' }],
    ['a character that no header has', { op: 'set', name: 'x-evil', value: '\u2028' }],
    ['an unknown operation', { op: 'replace', name: 'x-evil', value: 'a' } as never],
  ])('a header edit with %s denies the call before its handler runs', async (_name, edit) => {
    let reached = 0;
    const { serve, faults } = behind({ headers: [edit] }, () => new Response(String(reached++)));
    const response = await serve(get());
    expect(response.status).toBe(500);
    expect(await codeOf(response)).toBe('policy.invalid_outcome');
    expect(response.headers.has('set-cookie')).toBe(false);
    expect(faults).toHaveLength(1);
    expect(reached).toBe(0);
  });
});

describe('a request body', () => {
  const shown: unknown[] = [];
  const onMessage = (message: unknown): BodyOutcome => {
    shown.push(message);
    return { ok: true };
  };
  const echo: Handler = async (incoming) => new Response(await incoming.text());
  const read = async (request: Request, inspect: Obligations['onMessage'] = onMessage) => {
    shown.length = 0;
    const { serve } = behind({ onMessage: inspect }, echo);
    const response = await serve(request);
    const text = await response.text();
    return response.status === 200 ? text : (JSON.parse(text) as { readonly code: string }).code;
  };

  test.each<[string, Request, string, unknown]>([
    ['of JSON', post('{"a":1}'), '{"a":1}', { a: 1 }],
    [
      'of a +json type',
      post('{"a":1}', 'application/merge-patch+json; charset=UTF-8'),
      '{"a":1}',
      { a: 1 },
    ],
    [
      'with numbers that JavaScript rounds',
      post('12345678901234567890'),
      '12345678901234567890',
      Number('12345678901234567890'),
    ],
    ['with a byte order mark', post(new Uint8Array([0xef, 0xbb, 0xbf, 0x31])), '1', 1],
    ['that is empty', post(''), '', undefined],
    [
      'that is empty and of no type',
      new Request('https://a.example', { method: 'POST', body: '' }),
      '',
      undefined,
    ],
    ['that is not there', get(), '', undefined],
    [
      'as large as allowed',
      post(`"${'a'.repeat(MAX - 2)}"`),
      `"${'a'.repeat(MAX - 2)}"`,
      'a'.repeat(MAX - 2),
    ],
  ])('%s is shown and stays readable', async (_name, request, text, message) => {
    expect(await read(request)).toBe(text);
    expect(shown).toEqual([message]);
  });

  test.each<[string, Request, string]>([
    ['that is not JSON', post('{"a":'), 'message.malformed'],
    ['with two values', post('1 2'), 'message.malformed'],
    ['with a member twice', post('{"a":1,"a":2}'), 'message.malformed'],
    ['that is not UTF-8', post(new Uint8Array([0x22, 0xff, 0x22])), 'message.malformed'],
    ['that ends within a character', post(new Uint8Array([0x22, 0xc3])), 'message.malformed'],
    ['one byte too large', post(`"${'a'.repeat(MAX - 1)}"`), 'message.too_large'],
    [
      'too large in bytes, not in characters',
      post(`"${'ä'.repeat(MAX - 2)}"`),
      'message.too_large',
    ],
    ['of another type', post('{"a":1}', 'text/plain'), 'message.type_unsupported'],
    [
      'of a type that only looks alike',
      post('{"a":1}', 'application/jsonx'),
      'message.type_unsupported',
    ],
    ['of two types', post('{"a":1}', 'text/plain, application/json'), 'message.type_unsupported'],
    [
      'of two types, of which the second stands behind a parameter',
      post('{"a":1}', 'application/json;a=b,application/x-www-form-urlencoded'),
      'message.type_unsupported',
    ],
    [
      'in another charset',
      post('{"a":1}', 'application/json; charset=utf-7'),
      'message.unsupported',
    ],
    [
      'in two charsets',
      post('{}', 'application/json; charset=utf-8; charset=utf-16'),
      'message.type_unsupported',
    ],
    [
      'without a type',
      new Request('https://a.example', { method: 'POST', body: new Blob(['1']) }),
      'message.type_unsupported',
    ],
  ])('%s is denied before anybody sees it', async (_name, request, code) => {
    expect(await read(request)).toBe(code);
    expect(shown).toEqual([]);
  });

  test('without end is not read to its end', async () => {
    const { body, seen } = endless();
    expect(await read(post(body))).toBe('message.too_large');
    expect(seen.cancelled).toBe(true);
    expect(seen.taken).toBeLessThan(MAX);
  });

  test('without end and of another type is hardly read at all', async () => {
    const { body, seen } = endless();
    expect(await read(post(body, 'text/plain'))).toBe('message.type_unsupported');
    expect(seen.taken).toBeLessThanOrEqual(2);
  });

  test('that breaks off is denied', async () => {
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error('reset')) });
    expect(await read(post(body))).toBe('message.malformed');
  });

  test('that was read before is denied', async () => {
    const request = post('{"a":1}');
    await request.text();
    expect(await read(request)).toBe('message.unavailable');
  });

  test('is replaced where a policy says so, and its length with it', async () => {
    const request = post('{"a":1}');
    request.headers.set('content-length', '7');
    const { serve } = behind(
      { onMessage: () => ({ ok: true, value: { b: 'longer than before' } }) },
      async (incoming) =>
        Response.json([incoming.headers.get('content-length'), await incoming.json()]),
    );
    expect(await (await serve(request)).json()).toEqual([null, { b: 'longer than before' }]);
  });

  test('can be read twice by nobody, as ever', async () => {
    const { serve } = behind({ onMessage }, async (incoming) => {
      await incoming.text();
      return new Response(await incoming.text().catch(() => 'used'));
    });
    expect(await (await serve(post('{}'))).text()).toBe('used');
  });

  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  test.each<[string, Request, BodyOutcome, string]>([
    ['a circle', post('{}'), { ok: true, value: circular }, 'policy.invalid_outcome'],
    ['a bigint', post('{}'), { ok: true, value: 1n }, 'policy.invalid_outcome'],
    ['a body for GET', get(), { ok: true, value: 1 }, 'policy.invalid_outcome'],
    [
      'a denial',
      post('{}'),
      { ok: false, denial: { kind: 'malformed', code: 'order.empty' } },
      'order.empty',
    ],
  ])('a policy that answers %s denies', async (_name, request, outcome, code) => {
    expect(await read(request, () => outcome)).toBe(code);
  });

  test('is not looked at where no policy asks', async () => {
    const { serve } = behind({}, echo);
    expect(await (await serve(post('{"a":'))).text()).toBe('{"a":');
  });
});

describe('a payload', () => {
  const release = async (response: Response, outcome: BodyOutcome = { ok: true }) => {
    const seen: unknown[] = [];
    const onRelease = (payload: unknown) => {
      seen.push(payload);
      return outcome;
    };
    const released = await behind({ onRelease }, () => response).serve(get());
    return { released, text: await released.text(), seen };
  };
  const json = (text: string, headers: Record<string, string> = {}) =>
    new Response(text, { headers: { 'content-type': 'application/json', ...headers } });

  test('that may leave leaves as it is', async () => {
    const { released, text, seen } = await release(
      json('{"n": 12345678901234567890}', { etag: '"1"' }),
    );
    expect(text).toBe('{"n": 12345678901234567890}');
    expect(released.headers.get('etag')).toBe('"1"');
    expect(seen).toEqual([{ n: Number('12345678901234567890') }]);
  });

  test('that is replaced loses what described the old one', async () => {
    const { released, text } = await release(
      json('{"a":1}', { etag: '"1"', 'content-length': '7' }),
      {
        ok: true,
        value: { a: 'hidden' },
      },
    );
    expect(text).toBe('{"a":"hidden"}');
    expect(released.headers.has('etag')).toBe(false);
    expect(released.headers.has('content-length')).toBe(false);
    expect(released.headers.get('x-mark')).toBe('on');
  });

  test.each<[string, () => Response]>([
    ['text', () => new Response('s3cret')],
    [
      'JSON by another name',
      () => new Response('{"s3cret":1}', { headers: { 'content-type': 'text/json' } }),
    ],
    ['JSON that does not parse', () => json('{"s3cret"')],
    ['compressed JSON', () => json('\u001f\u008bs3cret', { 'content-encoding': 'gzip' })],
    ['a stream', () => new Response(new Blob(['s3cret']).stream())],
    ['of a type with no body type', () => new Response(new Blob(['s3cret']))],
    [
      'an upgrade',
      () => ({ status: 101, headers: new Headers(), body: null, bodyUsed: false }) as Response,
    ],
  ])('that is %s stays inside', async (_name, response) => {
    const { released, text, seen } = await release(response());
    expect(released.status).toBe(500);
    expect(text).toContain('release.unfilterable');
    expect(text).not.toContain('s3cret');
    expect(seen).toEqual([]);
  });

  test('that cannot be filtered is let go of', async () => {
    const { body, seen } = endless();
    await release(new Response(body));
    expect(seen.cancelled).toBe(true);
  });

  test.each<[string, BodyOutcome, string]>([
    ['a bigint', { ok: true, value: 1n }, 'policy.invalid_outcome'],
    [
      'a denial',
      { ok: false, denial: { kind: 'forbidden', code: 'release.denied' } },
      'release.denied',
    ],
    ['nonsense', 'fine' as never, 'policy.invalid_outcome'],
  ])('does not leave when the filter answers %s', async (_name, outcome, code) => {
    const { text } = await release(json('{"s3cret":1}'), outcome);
    expect(text).toContain(code);
    expect(text).not.toContain('s3cret');
  });

  test('that is not there needs no filter', async () => {
    const { released, seen } = await release(new Response(null, { status: 204 }));
    expect(released.status).toBe(204);
    expect(seen).toEqual([]);
  });
});

describe('the end of a call', () => {
  const watch = (handler: Handler, denying = false) => {
    const ends: unknown[] = [];
    const onComplete = ({ outcome, status, denial }: Completion) => {
      ends.push([outcome, status, denial?.code]);
    };
    return { ends, ...behind({ onComplete }, handler, denying) };
  };

  test.each<[string, Handler, boolean, unknown[]]>([
    ['answered', () => new Response('x'), false, ['succeeded', 200, undefined]],
    [
      'answered with a denial of its own',
      () => new Response('x', { status: 404 }),
      false,
      ['succeeded', 404, undefined],
    ],
    [
      'answered with a fault',
      () => new Response('x', { status: 502 }),
      false,
      ['failed', 502, undefined],
    ],
    ['answered with nonsense', () => undefined as never, false, ['failed', 500, undefined]],
    [
      'thrown',
      () => {
        throw new Error('broken');
      },
      false,
      ['failed', 500, undefined],
    ],
    ['denied', () => new Response('x'), true, ['denied', 403, 'shop.closed']],
    [
      'without a body',
      () => new Response(null, { status: 204 }),
      false,
      ['succeeded', 204, undefined],
    ],
  ])('%s is reported once', async (_name, handler, denying, ending) => {
    const { serve, ends } = watch(handler, denying);
    await (await serve(get())).text();
    expect(ends).toEqual([ending]);
  });

  test('of HEAD does not wait for a body that nobody reads', async () => {
    const { serve, ends } = watch(() => new Response('x'));
    await serve(get('HEAD'));
    expect(ends).toEqual([['succeeded', 200, undefined]]);
  });

  test('comes when the last of the body was taken', async () => {
    const { serve, ends } = watch(() => new Response('x'));
    const response = await serve(get());
    expect(ends).toEqual([]);
    await response.text();
    expect(ends).toEqual([['succeeded', 200, undefined]]);
  });

  test('is aborted when the caller goes away, failed when the body breaks off', async () => {
    const aborted = watch(() => new Response(endless().body));
    await (await aborted.serve(get())).body?.cancel();
    expect(aborted.ends).toEqual([['aborted', 200, undefined]]);

    const broken = watch(
      () =>
        new Response(
          new ReadableStream({ pull: (controller) => controller.error(new Error('gone')) }),
        ),
    );
    await expect((await broken.serve(get())).text()).rejects.toThrow('gone');
    expect(broken.ends).toEqual([['failed', 200, undefined]]);
  });

  test.each<[string, BodyInit | null]>([
    ['reads the body to its end', 'x'],
    ['has nothing to send', null],
  ])('is aborted for a caller who went away before, where the host %s', async (_, body) => {
    const leaving = new AbortController();
    const { serve, ends } = watch(() => {
      leaving.abort();
      return new Response(body);
    });
    const response = await serve(new Request(get(), { signal: leaving.signal }));
    await response.text();
    expect(ends).toEqual([['aborted', undefined, undefined]]);
  });

  test('is aborted where the caller goes away and the host does not touch the body', async () => {
    const leaving = new AbortController();
    const { serve, ends } = watch(() => new Response('x'));
    await serve(new Request(get(), { signal: leaving.signal }));
    expect(ends).toEqual([]);
    leaving.abort();
    expect(ends).toEqual([['aborted', undefined, undefined]]);
  });

  test('is no other for a signal that comes when the body is out', async () => {
    const leaving = new AbortController();
    const { serve, ends } = watch(() => new Response('x'));
    await (await serve(new Request(get(), { signal: leaving.signal }))).text();
    leaving.abort();
    expect(ends).toEqual([['succeeded', 200, undefined]]);
  });

  test('changes nothing for the caller when its listener throws or rejects', async () => {
    for (const onComplete of [
      () => {
        throw new Error('log full');
      },
      async () => Promise.reject(new Error('log full')),
    ]) {
      const { serve, faults } = behind({ onComplete }, () => new Response('x'));
      expect(await (await serve(get())).text()).toBe('x');
      await new Promise((resolve) => setTimeout(resolve));
      expect(faults).toEqual([new Error('log full')]);
    }
  });
});
