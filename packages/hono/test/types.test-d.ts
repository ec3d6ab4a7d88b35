import {
  type AuthenticatedFacts,
  allowAuthenticated,
  definePolicy,
  factsOf,
  guard,
  type HttpFacts,
  type NoFacts,
  type Principal,
  type RawBodyFacts,
  requireRole,
  requireScopes,
  type SyncPolicy,
  securityHeaders,
} from '@apisec/core';
import { secure, watchedUpgrade } from '@apisec/hono';
import { Hono } from 'hono';
import { upgradeWebSocket as onBun } from 'hono/bun';
import { upgradeWebSocket as onWorkers } from 'hono/cloudflare-workers';
import { upgradeWebSocket as onDeno } from 'hono/deno';
import { expectTypeOf, test } from 'vitest';

declare const authenticate: SyncPolicy<NoFacts, AuthenticatedFacts, 'check'>;
const orders = guard().use(authenticate).use(requireScopes('orders:read'));

test('handlers read facts through the guard', () => {
  new Hono<{ Bindings: { readonly KV: string } }>().get('/orders/:id', secure(orders), (c) => {
    expectTypeOf(factsOf(c, orders).principal).toEqualTypeOf<Principal>();
    expectTypeOf(c.env.KV).toEqualTypeOf<string>();
    expectTypeOf(c.req.param('id')).toEqualTypeOf<string>();
    return c.text('');
  });
});

test('a guard of checks alone cannot be mounted', () => {
  // @ts-expect-error Type '"check"' is not assignable to type '"grant"'
  secure(guard().use(securityHeaders()));
});

test('a policy that needs what Hono cannot supply cannot be mounted', () => {
  const signed = guard<HttpFacts & RawBodyFacts>().use(
    definePolicy<RawBodyFacts, NoFacts, 'grant'>({
      name: 'signed',
      role: 'grant',
      check: (_request, { rawBody }) => ({ ok: true, degraded: String(rawBody.length) }),
    }),
  );
  // @ts-expect-error Property 'rawBody' is missing
  secure(signed);
});

test('authorising before authenticating does not compile', () => {
  // @ts-expect-error Property 'principal' is missing
  guard().use(requireRole('admin'));
  // @ts-expect-error the same for scopes
  guard().use(requireScopes('orders:read'));
  // @ts-expect-error the same for anyone who is known
  guard().use(allowAuthenticated());
});

test('a WebSocket keeps the types of its runtime where it is watched', () => {
  const upgrade = watchedUpgrade(onDeno);
  upgrade((c) => ({ onMessage: (_event, socket) => socket.send(c.req.path) }));
  upgrade(() => ({
    onOpen: (_event, { raw }) => expectTypeOf(raw).toEqualTypeOf<WebSocket | undefined>(),
  }));
  // @ts-expect-error '"onMessages"' does not exist in type 'WSEvents<WebSocket>'
  upgrade(() => ({ onMessages: () => undefined }));
  new Hono().get(
    '/live',
    secure(orders),
    watchedUpgrade(onBun)(() => ({})),
  );
  new Hono().get(
    '/live',
    secure(orders),
    watchedUpgrade(onWorkers)(() => ({})),
  );
});
