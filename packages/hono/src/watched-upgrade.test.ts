import {
  allowAnonymous,
  type Completion,
  concurrencyLimit,
  coverage,
  definePolicy,
  guard,
  type HttpFacts,
  pass,
} from '@apisec/core';
import { secure, watchedUpgrade } from '@apisec/hono';
import { Hono } from 'hono';
import { defineWebSocketHelper, WSContext, type WSEvents } from 'hono/ws';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** The socket that a host opened, as its own events would move it. */
interface Opened {
  readonly events: WSEvents<Raw>;
  readonly context: WSContext<Raw>;
  readonly closings: string[];
  readonly terminate: () => void;
}
interface Raw {
  readonly terminate?: () => void;
}
interface Host {
  /** Like Bun: has answered 101 itself, and opens at once. */
  readonly opensAtOnce?: boolean;
  /** Like Deno: the signal of a request is aborted by its upgrade. */
  readonly aborts?: AbortController;
  readonly declines?: boolean;
}

/** A host in miniature, and the sockets that it has opened. */
function hostWith({ opensAtOnce = false, aborts, declines = false }: Host = {}) {
  const opened: Opened[] = [];
  const upgradeWebSocket = defineWebSocketHelper<Raw>((_c, events) => {
    aborts?.abort();
    if (declines) return undefined;
    const closings: string[] = [];
    const terminate = vi.fn<() => void>();
    const context = new WSContext<Raw>({
      raw: { terminate },
      readyState: 1,
      send: () => undefined,
      close: (code, reason) => void closings.push(`${code} ${reason}`),
    });
    opened.push({ events, context, closings, terminate });
    if (opensAtOnce) events.onOpen?.(new Event('open'), context);
    // A response with status 101 is one that only hosts can make.
    return opensAtOnce
      ? new Response(null)
      : Object.defineProperty(new Response(null), 'status', { value: 101 });
  });
  return { upgradeWebSocket, opened };
}

/** Node 20 has no CloseEvent. */
const closeEvent = () => new Event('close') as CloseEvent;

const asking = (signal?: AbortSignal) => ({
  headers: { upgrade: 'websocket' },
  ...(signal && { signal }),
});

function guarded(expiresAt?: number) {
  const endings: Completion[] = [];
  const admission = guard<HttpFacts>()
    .use(
      definePolicy({
        name: 'audited',
        role: 'check',
        always: { onComplete: (end) => void endings.push(end) },
        check: () => pass({ authentication: expiresAt === undefined ? {} : { expiresAt } }),
      }),
    )
    .use(concurrencyLimit({ limit: 1, by: () => 'everybody', ttl: '12h' }))
    .use(allowAnonymous());
  return { admission, endings };
}

/** Asks once timers that an answer waits for have run. */
async function statusOf(app: Hono, init: RequestInit = asking()): Promise<number> {
  const answer = app.request('/live', init);
  await vi.advanceTimersByTimeAsync(5);
  return (await answer).status;
}

describe('a WebSocket that is watched', () => {
  test.each<[string, Host]>([
    ['one that answers with 101', {}],
    ['one that has answered by itself', { opensAtOnce: true }],
  ])('holds its place until it closes, on a host like %s', async (_name, like) => {
    const { admission, endings } = guarded();
    const { upgradeWebSocket, opened } = hostWith(like);
    const onClose = vi.fn<() => void>();
    const app = new Hono().get(
      '/live',
      secure(admission),
      watchedUpgrade(upgradeWebSocket)(() => ({ onClose })),
    );
    expect(await statusOf(app)).toBeLessThan(300);
    expect(await statusOf(app)).toBe(429);
    expect(endings.map(({ outcome }) => outcome)).toEqual(['denied']);
    const [{ events, context }] = opened as [Opened];
    events.onOpen?.(new Event('open'), context);
    events.onClose?.(closeEvent(), context);
    expect(onClose).toHaveBeenCalledOnce();
    expect(endings[1]).toMatchObject({ outcome: 'succeeded', status: 101 });
    expect(await statusOf(app)).toBeLessThan(300);
  });

  test('is found in an app with an error handler of its own that is mounted by route', async () => {
    const { upgradeWebSocket } = hostWith();
    const inner = new Hono()
      .get(
        '/live',
        watchedUpgrade(upgradeWebSocket)(() => ({})),
      )
      .onError((_error, c) => c.text('inner', 500));
    const app = new Hono();
    app.use(secure(guarded().admission));
    app.route('/', inner);
    expect(await statusOf(app)).toBe(101);
  });

  test('is counted by every guard in front of it', async () => {
    const { upgradeWebSocket, opened } = hostWith();
    const [outer, inner] = [guarded(), guarded()];
    const app = new Hono();
    app.use(secure(outer.admission));
    app.get(
      '/live',
      secure(inner.admission),
      watchedUpgrade(upgradeWebSocket)(() => ({})),
    );
    expect(await statusOf(app)).toBe(101);
    expect([outer.endings, inner.endings]).toEqual([[], []]);
    const [{ events, context }] = opened as [Opened];
    events.onClose?.(closeEvent(), context);
    expect([...outer.endings, ...inner.endings]).toMatchObject([
      { outcome: 'succeeded', status: 101 },
      { outcome: 'succeeded', status: 101 },
    ]);
  });

  test('keeps its place where its upgrade aborts the signal of the request', async () => {
    const aborts = new AbortController();
    const { admission, endings } = guarded();
    const { upgradeWebSocket } = hostWith({ aborts });
    const upgrade = watchedUpgrade(upgradeWebSocket)(() => ({}));
    const app = new Hono().get('/live', secure(admission), upgrade);
    expect(await statusOf(app, asking(aborts.signal))).toBe(101);
    expect(endings).toEqual([]);
  });

  test('gives its place back where it never opens', async () => {
    const { admission, endings } = guarded();
    const upgrade = watchedUpgrade(hostWith().upgradeWebSocket)(() => ({}));
    const app = new Hono().get('/live', secure(admission), upgrade);
    expect(await statusOf(app)).toBe(101);
    await vi.advanceTimersByTimeAsync(9_000);
    expect(endings).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(endings).toHaveLength(1);
  });

  test('is closed where a table does not list what has opened it', async () => {
    const { admission } = guarded();
    const { upgradeWebSocket, opened } = hostWith({ opensAtOnce: true });
    const onMessage = vi.fn<() => void>();
    const upgrade = watchedUpgrade(upgradeWebSocket)(() => ({ onMessage }));
    const onFault = vi.fn<() => void>();
    const app = new Hono();
    app.use(secure(coverage({ 'GET /live': admission }), { onFault }));
    app.use(upgrade);
    app.get('/live', (c) => c.text('plain'));
    expect(await statusOf(app)).toBe(403);
    const [{ events, context, closings }] = opened as [Opened];
    events.onMessage?.(new MessageEvent('message'), context);
    expect([closings.length, onMessage.mock.calls]).toEqual([1, []]);
  });

  test('is closed where it opens after its place was given back', async () => {
    const { admission } = guarded();
    const { upgradeWebSocket, opened } = hostWith();
    const handlers = { onOpen: vi.fn<() => void>(), onMessage: vi.fn<() => void>() };
    const upgrade = watchedUpgrade(upgradeWebSocket)(() => handlers);
    const app = new Hono().get('/live', secure(admission), upgrade);
    expect(await statusOf(app)).toBe(101);
    await vi.advanceTimersByTimeAsync(10_000);
    const [{ events, context, closings, terminate }] = opened as [Opened];
    events.onOpen?.(new Event('open'), context);
    events.onMessage?.(new MessageEvent('message'), context);
    expect(closings).toEqual(['1008 upgrade.unwatched']);
    expect(handlers.onOpen).not.toHaveBeenCalled();
    expect(handlers.onMessage).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(terminate).toHaveBeenCalledOnce();
  });

  test('gives its place back where its caller left before it', async () => {
    const aborts = new AbortController();
    const { admission, endings } = guarded();
    const { upgradeWebSocket } = hostWith({ aborts, declines: true });
    const upgrade = watchedUpgrade(upgradeWebSocket)(() => ({}));
    const app = new Hono().get('/live', secure(admission), upgrade, (c) => c.text('plain'));
    expect(await statusOf(app, asking(aborts.signal))).toBe(200);
    expect(endings).toMatchObject([{ outcome: 'aborted' }]);
  });

  test('is denied where another handler opens it, which nobody watches', async () => {
    const { admission, endings } = guarded();
    const { upgradeWebSocket } = hostWith();
    const faults: unknown[] = [];
    const app = new Hono();
    app.use(secure(admission, { onFault: (fault) => faults.push(fault) }));
    app.get(
      '/live',
      upgradeWebSocket(() => ({})),
    );
    app.get(
      '/*',
      watchedUpgrade(upgradeWebSocket)(() => ({})),
    );
    expect(await statusOf(app)).toBe(500);
    expect(endings).toMatchObject([{ outcome: 'denied', denial: { code: 'upgrade.unwatched' } }]);
    expect(faults).toMatchObject([{ code: 'upgrade.unwatched' }]);
  });

  test('cannot be constructed without the upgradeWebSocket of a runtime', () => {
    expect(() => watchedUpgrade(undefined as never)).toThrow(/pass upgradeWebSocket of your/);
  });

  test('is an ordinary call where the host does not upgrade it', async () => {
    const { admission, endings } = guarded();
    const upgrade = watchedUpgrade(hostWith({ declines: true }).upgradeWebSocket)(() => ({}));
    const app = new Hono().get('/live', secure(admission), upgrade, (c) => c.text('plain'));
    const answer = app.request('/live', asking());
    await vi.advanceTimersByTimeAsync(5);
    expect(await (await answer).text()).toBe('plain');
    expect(endings).toMatchObject([{ outcome: 'succeeded', status: 200 }]);
  });

  test.each<[string, Host]>([
    ['opens later', {}],
    ['is open', { opensAtOnce: true }],
  ])(
    'ends with its credential where it %s, and handlers get no more messages',
    async (_name, like) => {
      const { admission, endings } = guarded(Date.now() + 1_000);
      const { upgradeWebSocket, opened } = hostWith(like);
      const onMessage = vi.fn<() => void>();
      const upgrade = watchedUpgrade(upgradeWebSocket)(() => ({ onMessage }));
      const app = new Hono().get('/live', secure(admission, { endWithToken: true }), upgrade);
      expect(await statusOf(app)).toBeLessThan(300);
      const [{ events, context, closings, terminate }] = opened as [Opened];
      const message = () => events.onMessage?.(new MessageEvent('message'), context);
      if (like.opensAtOnce) {
        message();
        expect(onMessage).toHaveBeenCalledOnce();
        onMessage.mockClear();
      }
      expect(closings).toEqual([]);
      await vi.advanceTimersByTimeAsync(1_000);
      if (!like.opensAtOnce) events.onOpen?.(new Event('open'), context);
      expect(closings).toEqual(['1008 credentials.expired']);
      expect(endings).toMatchObject([{ denial: { code: 'credentials.expired' }, status: 101 }]);
      message();
      expect(onMessage).not.toHaveBeenCalled();
      await vi.advanceTimersByTimeAsync(1_000);
      expect(terminate).toHaveBeenCalledOnce();
    },
  );

  test('ends for nothing where nobody asked for it', async () => {
    const { upgradeWebSocket, opened } = hostWith({ opensAtOnce: true });
    const upgrade = watchedUpgrade(upgradeWebSocket)(() => ({}));
    const app = new Hono().get('/live', secure(guarded(Date.now() + 1_000).admission), upgrade);
    await statusOf(app);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(opened[0]?.closings).toEqual([]);
  });

  test('works without any guard, and still gets its own faults', async () => {
    const { upgradeWebSocket, opened } = hostWith();
    const onError = vi.fn<() => void>();
    const app = new Hono().get(
      '/live',
      watchedUpgrade(upgradeWebSocket)(() => ({ onError })),
    );
    expect(await statusOf(app)).toBe(101);
    const [{ events, context }] = opened as [Opened];
    events.onError?.(new Event('error'), context);
    expect(onError).toHaveBeenCalledOnce();
  });

  test('passes faults to its handler, and they end nothing', async () => {
    const { admission, endings } = guarded();
    const { upgradeWebSocket, opened } = hostWith({ opensAtOnce: true });
    const onError = vi.fn<() => void>();
    const upgrade = watchedUpgrade(upgradeWebSocket)(() => ({ onError }));
    const app = new Hono().get('/live', secure(admission), upgrade);
    await statusOf(app);
    const [{ events, context }] = opened as [Opened];
    events.onError?.(new Event('error'), context);
    expect([onError.mock.calls.length, endings]).toEqual([1, []]);
  });
});
