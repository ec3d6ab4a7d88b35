import { request } from 'node:http';
import { request as requestTls } from 'node:https';
import { altNames, createAuthority, type Identity } from '@apisec/conformance/certificates';
import {
  allowAnonymous,
  type CallFacts,
  type CertificateFacts,
  type Completion,
  coverage,
  definePolicy,
  deny,
  type GraphqlFacts,
  guard,
  pass,
  requireScopes,
} from '@apisec/core';
import { limitOperation } from '@apisec/graphql';
import type { GraphQLSchema } from 'graphql';
import { createClient } from 'graphql-ws';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { authenticate, base, oblige, provedOnce } from './harness.ts';
import { httpServers, type Listening, serveSockets } from './hostile-servers.ts';
import { schemaOf } from './servers.ts';

const ran: string[] = [];
const shop = (): GraphQLSchema =>
  schemaOf('type Query { echo: String mine: String crash: String }', {
    'Query.echo': () => {
      ran.push('echo');
      return 'echo';
    },
    'Query.crash': () => {
      throw new Error('connection to 10.0.0.7 lost');
    },
  });
const open = guard().use(allowAnonymous());

/** Header fields as they are written, each as often as it is named, and nothing but the status and the text. */
function post(
  url: string,
  fields: readonly string[],
  body: unknown,
  tls: object = {},
): Promise<{ readonly status: number | undefined; readonly text: string }> {
  const text = JSON.stringify(body);
  const length = ['content-length', String(text.length)];
  const headers = ['content-type', 'application/json', 'host', 'localhost', ...length, ...fields];
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https') ? requestTls : request;
    const sent = send(url, { method: 'POST', headers, agent: false, ...tls }, (answer) => {
      let received = '';
      answer.on('data', (chunk) => {
        received += String(chunk);
      });
      answer.on('end', () => resolve({ status: answer.statusCode, text: received }));
    });
    sent.on('error', reject).end(text);
  });
}

async function listening(started: Promise<Listening>): Promise<string> {
  const { url, close } = await started;
  onTestFinished(() => void close());
  return url;
}

const acceptOf = (name: string): string =>
  name === 'graphql-sse' ? 'text/event-stream' : 'application/json';

describe.each(httpServers)('%s', (name, serve) => {
  test('shows policies every field of a name, cookies joined as cookies are', async () => {
    const seen: unknown[] = [];
    const look = definePolicy({
      name: 'look',
      role: 'check',
      check: ({ headers }, { peer }: CallFacts) => {
        seen.push([peer.address, headers.get('cookie'), headers.get('authorization')]);
        return pass();
      },
    });
    const admission = guard().use(look).use(allowAnonymous());
    const url = await listening(serve({ admission }, shop()));
    const fields = ['cookie', 'a=1', 'cookie', 'b=2', 'authorization', 'Bearer a'];
    await post(url, [...fields, 'authorization', 'Bearer b', 'accept', acceptOf(name)], {
      query: '{ echo }',
    });
    expect(seen).toEqual([['127.0.0.1', 'a=1; b=2', 'Bearer a, Bearer b']]);
  });

  test.each([
    ['short', '{ echo }'],
    ['long', `{ echo } ${'#'.repeat(2_000)}`],
  ])('edits the header of the answer to a stranger whose document is %s', async (_, query) => {
    const headers = [{ op: 'set', name: 'x-note', value: 'fine' }] as const;
    const admission = guard().use(oblige({ headers })).use(authenticate()).use(allowAnonymous());
    const url = await listening(serve({ admission }, shop()));
    const sent = { method: 'POST', body: JSON.stringify({ query }) };
    const type = { 'content-type': 'application/json', accept: acceptOf(name) };
    const answer = await fetch(url, { ...sent, headers: type });
    expect([answer.status, answer.headers.get('x-note')]).toEqual([401, 'fine']);
    const known = await fetch(url, { ...sent, headers: { ...type, authorization: 'Bearer ann' } });
    expect([known.status, known.headers.get('x-note')]).toEqual([200, 'fine']);
  });
});

const authority = await createAuthority('authority');
const [own, caller] = await Promise.all(
  ['localhost', 'caller.internal'].map((each) =>
    authority.issue(each, [altNames({ type: 'dns', value: each })]),
  ),
);
const stranger = await (await createAuthority('stranger')).issue('caller.internal', [
  altNames({ type: 'dns', value: 'caller.internal' }),
]);
// As servers are that leave it to policies whom they trust.
const tls = {
  key: own?.key,
  cert: own?.cert,
  ca: authority.cert,
  requestCert: true,
  rejectUnauthorized: false,
};
const clientOf = (identity: Identity | undefined) => ({
  ca: authority.cert,
  key: identity?.key,
  cert: identity?.cert,
  servername: 'localhost',
});
const byCertificate = guard<GraphqlFacts & CertificateFacts>().use(
  definePolicy({
    name: 'known',
    role: 'grant',
    check: (_request, { certificate }: CertificateFacts) =>
      certificate?.content?.dns.includes('caller.internal')
        ? pass()
        : deny('unauthenticated', 'certificate.missing'),
  }),
);
const callers: readonly (readonly [string, Identity | undefined, boolean])[] = [
  ['a certificate of the authority', caller, true],
  ['a certificate of another authority', stranger, false],
  ['no certificate', undefined, false],
];

// The standalone server of Apollo speaks TLS through a proxy alone.
describe.each(httpServers.filter(([name]) => name !== 'Apollo, standalone'))(
  '%s',
  (name, serve) => {
    test.each(callers)('knows a caller by %s over TLS', async (_, identity, isKnown) => {
      const admission = byCertificate as never;
      const url = await listening(serve({ admission }, shop(), tls));
      const sent = post(url, ['accept', acceptOf(name)], { query: '{ echo }' }, clientOf(identity));
      const { status, text } = await sent;
      expect([status, text.includes('"echo":"echo"')]).toEqual([isKnown ? 200 : 401, isKnown]);
    });
  },
);

test.each(callers)('graphql-ws knows a caller by %s over TLS', async (_, identity, isKnown) => {
  const url = await listening(serveSockets({ admission: byCertificate as never }, shop(), tls));
  class Secure extends WebSocket {
    constructor(address: string, protocols: string) {
      super(address, protocols, clientOf(identity));
    }
  }
  const client = createClient({
    url: url.replace('http', 'ws'),
    webSocketImpl: Secure,
    retryAttempts: 0,
  });
  onTestFinished(() => void client.dispose());
  const answer = await new Promise((resolve) => {
    client.subscribe(
      { query: '{ echo }' },
      { next: resolve, error: () => resolve('closed'), complete: () => resolve('nothing') },
    );
  });
  expect(answer).toEqual(isKnown ? { data: { echo: 'echo' } } : 'closed');
});

const batching = httpServers.filter(([name]) => name !== 'graphql-sse');

describe.each(batching)('a batch on %s', (name, serve) => {
  const run = async (
    admission: unknown,
    batch: readonly object[],
    fields: readonly string[] = [],
  ) => {
    ran.length = 0;
    const options = { admission: admission as never, onFault: () => undefined };
    const url = await listening(serve(options, shop()));
    const send = async () => {
      const { status, text } = await post(url, ['accept', 'application/json', ...fields], batch);
      const answers = JSON.parse(text) as any[];
      const reasons = answers.map(({ errors }) => errors?.[0]?.extensions?.reason);
      return { status, reasons, answers };
    };
    return { ...(await send()), send };
  };

  test('is one use of a proof that nobody may use twice', async () => {
    const batch = [{ query: '{ echo }' }, { query: '{ mine }' }, { query: '{ echo }' }];
    const first = await run(guard().use(provedOnce()).use(allowAnonymous()), batch, [
      'dpop',
      'proof',
    ]);
    expect(first.reasons).toEqual([undefined, undefined, undefined]);
    expect((await first.send()).reasons).toEqual(Array.from(batch, () => 'dpop.replayed'));
  });

  test('shares no answer that depends on what its operations are', async () => {
    const admission = guard<GraphqlFacts>()
      .use(limitOperation({ rootFields: 1 }))
      .use(allowAnonymous());
    for (const pad of ['', '#'.repeat(2_000)]) {
      const { reasons } = await run(admission, [
        { query: `{ echo } ${pad}` },
        { query: `{ echo mine } ${pad}` },
        { query: `{ mine } ${pad}` },
      ]);
      expect(reasons).toEqual([undefined, 'operation.over_limit', undefined]);
    }
  });

  test('is answered in part where one of its operations is denied, and each of them is recorded once', async () => {
    const heard: Completion[] = [];
    const telling = oblige({ onComplete: (completion) => void heard.push(completion) });
    const admission = coverage({
      'Query.echo': guard().use(telling).use(allowAnonymous()),
      'Query.mine': base.use(telling).use(requireScopes('read')),
    });
    const { status, reasons, answers } = await run(admission, [
      { query: '{ echo }' },
      { query: '{ mine }' },
      { query: '{ echo }' },
    ]);
    expect([status, reasons, answers[2], ran]).toEqual([
      200,
      [undefined, 'token.missing', undefined],
      { data: { echo: 'echo' } },
      ['echo', 'echo'],
    ]);
    expect(heard.map(({ outcome }) => outcome).toSorted()).toEqual(['succeeded', 'succeeded']);
  });

  test('costs together no more than is said, and holds no more operations', async () => {
    const batch = Array.from({ length: 12 }, () => ({ query: '{ echo }' }));
    const { reasons, status } = await run(open, batch.slice(0, 10));
    expect([status, reasons.filter(Boolean), ran.length]).toEqual([200, [], 10]);
    const url = await listening(
      serve({ admission: open, maxBatchCost: 3, costRules: { value: 1 } }, shop()),
    );
    const costly = batch.slice(0, 5).map(() => ({ query: '{ echo mine }' }));
    const { text } = await post(url, ['accept', 'application/json'], costly);
    expect(text).toContain('batch.too_costly');
    ran.length = 0;
    const many = await post(
      await listening(serve({ admission: open }, shop())),
      ['accept', 'application/json'],
      batch,
    );
    expect([many.status, ran]).toEqual([400, []]);
    expect(many.text).toContain('batch.too_large');
  });

  test('of strangers alone is answered with what they lack', async () => {
    const { status, reasons } = await run(base.use(requireScopes('read')), [
      { query: '{ echo }' },
      { query: '{ nothing }' },
    ]);
    expect([status, reasons, ran]).toEqual([401, ['token.missing', 'token.missing'], []]);
  });
});
