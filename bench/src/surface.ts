import { createHmac, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import {
  allowAnonymous,
  cors,
  guard,
  type HttpFacts,
  limitBody,
  memoryReplayStore,
  securityHeaders,
  verifyWebhook,
} from '@apisec/core';
import helmet from 'helmet';
import { Webhook } from 'standardwebhooks';
import { inTurns, print } from '../in-turns.ts';

// Headers and CORS: our own code alone, on a view whose headers are there already.
const origin = 'https://app.example.com';
const facts: HttpFacts = {
  call: { protocol: 'http', operation: 'GET /orders' },
  peer: { address: '192.0.2.1', id: '192.0.2.1' },
};
const sent = new Map([['origin', origin]]);
const view = {
  method: 'GET',
  url: '/orders',
  headers: { get: (name: string) => sent.get(name) ?? null, has: (name: string) => sent.has(name) },
};
const bare = guard<HttpFacts>().use(allowAnonymous());
const both = guard<HttpFacts>()
  .use(securityHeaders())
  .use(cors({ origins: [origin] }))
  .use(allowAnonymous());

type Middleware = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;
// It comes without types.
const corsPeer = createRequire(import.meta.url)('cors') as (options: object) => Middleware;
const peers: readonly Middleware[] = [helmet(), corsPeer({ origin: [origin] })];
const written = new Map<string, unknown>();
/** As much of Node's objects as helmet and cors look at, so that they are not charged for Node. */
const request = { method: 'GET', headers: { origin } } as unknown as IncomingMessage;
const response = {
  setHeader: (name: string, value: unknown) => written.set(name, value),
  getHeader: (name: string) => written.get(name),
  removeHeader: (name: string) => written.delete(name),
} as unknown as ServerResponse;
const next = (): void => undefined;

print(
  'headers and CORS of one call',
  await inTurns(
    {
      'helmet and cors': () => {
        written.clear();
        for (const peer of peers) peer(request, response, next);
        return written;
      },
      'securityHeaders and cors, decided': () => both.check(view, facts),
      'the guard without them': () => bare.check(view, facts),
    },
    { each: 100_000, rounds: 15 },
  ),
);

// A body of 1 MB: what parses it alone, and with its bounds.
const rows = Array.from({ length: 9_000 }, (_, id) => ({
  id,
  name: `customer number ${id}`,
  amount: id * 1.25,
  note: 'a line of text as people write it, of some length',
}));
/** As many values as make 1 MB. */
const megabyte = (value: (at: number) => unknown, bytes: number): unknown =>
  Array.from({ length: Math.floor(1e6 / bytes) }, (_, at) => value(at));
const word = (at: number): string => (at * 7_919).toString(36).padStart(6, 'x');
const bodies = {
  rows,
  integers: megabyte((at) => 100_000 + ((at * 7_919) % 900_000), 7),
  'short strings': megabyte(word, 9),
  'strings with escapes': megabyte((at) => `line "${word(at)}"\n\t${word(at)}`, 30),
  'objects of different names': megabyte((at) => ({ [word(at)]: at, [`${word(at)}s`]: 1 }), 30),
  'one object of many names': Object.fromEntries(rows.flatMap((_, at) => [[word(at), at]])),
};
const limit = limitBody({
  maxBytes: 2_000_000,
  maxKeys: 100_000,
  maxArrayLength: 1_000_000,
});
for (const [name, value] of Object.entries(bodies)) {
  const bytes = Buffer.from(JSON.stringify(value));
  const posted = {
    method: 'POST',
    url: '/orders',
    headers: new Headers({
      'content-type': 'application/json',
      'content-length': String(bytes.length),
    }),
  };
  const parse = (): unknown => JSON.parse(bytes.toString()) as unknown;
  const bounded = (): unknown => {
    const outcome = limit.check(posted, { ...facts, rawBody: bytes });
    if (!('ok' in outcome) || !outcome.ok) throw new Error('Expected to pass.');
    return parse();
  };
  print(
    `JSON of ${(bytes.length / 1e6).toFixed(2)} MB: ${name}`,
    await inTurns(
      { 'JSON.parse of its bytes': parse, 'limitBody, then JSON.parse': bounded },
      { each: 20, rounds: 15 },
    ),
  );
}

// A signed message of 10 kB.
const key = randomBytes(32);
const secret = `whsec_${key.toString('base64')}`;
const message = JSON.stringify({ text: 'x'.repeat(10_000) });
const messageBytes = Buffer.from(message);
const now = Date.now();
const stamp = String(Math.floor(now / 1_000));
const signature = createHmac('sha256', key).update(`m1.${stamp}.${message}`).digest('base64');
const headers = {
  'webhook-id': 'm1',
  'webhook-timestamp': stamp,
  'webhook-signature': `v1,${signature}`,
};
const view2 = new Headers(headers);
const peer = new Webhook(secret);
const options = { scheme: 'standard', keys: [secret], now: () => now } as const;
const hook = verifyWebhook({ ...options, replay: false });
const unparsed = verifyWebhook({ ...options, replay: false, parse: () => undefined });
const remembering = verifyWebhook({
  ...options,
  replay: { ...memoryReplayStore(), putIfAbsent: () => true },
});
const subtleKey = await crypto.subtle.importKey(
  'raw',
  key,
  { name: 'HMAC', hash: 'SHA-256' },
  false,
  ['sign'],
);
print(
  'webhook of 10 kB',
  await inTurns(
    {
      'HMAC of node:crypto': () => createHmac('sha256', key).update(messageBytes).digest(),
      'HMAC of WebCrypto': () => crypto.subtle.sign('HMAC', subtleKey, messageBytes),
      'HMAC of WebCrypto and JSON.parse': async () => {
        await crypto.subtle.sign('HMAC', subtleKey, messageBytes);
        return JSON.parse(messageBytes.toString()) as unknown;
      },
      standardwebhooks: () => peer.verify(message, headers),
      'verifyWebhook, no replay store': () => hook.verify(view2, messageBytes),
      'verifyWebhook, its event not parsed': () => unparsed.verify(view2, messageBytes),
      'verifyWebhook, with one': () => remembering.verify(view2, messageBytes),
    },
    { each: 1_000, rounds: 15 },
  ),
);
