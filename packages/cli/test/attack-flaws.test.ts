import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ATTACKS } from '../src/attack/attacks.ts';
import { callCli } from './run-cli.ts';

/** What a server sees of a call. */
interface Call {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Of every header field, as often as it came. */
  readonly names: readonly string[];
  readonly body: string;
}

interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What one server does wrong; where it answers nothing it does what is right. */
type Flaw = (call: Call) => Reply | undefined;

const DATA = '{"data":{"orders":[]}}';
const SAFE = { 'x-content-type-options': 'nosniff' };
const ADMITTED: Reply = { status: 200, headers: SAFE, body: DATA };
const when = (isFooled: boolean): Reply | undefined => (isFooled ? ADMITTED : undefined);

const isKnown = ({ headers }: Call): boolean =>
  headers.authorization === 'Bearer a.b.c' || headers.cookie === 'sid=1';
const isHonest = (call: Call): boolean =>
  call.names.length === new Set(call.names).size &&
  call.url === '/graphql' &&
  call.method === 'POST' &&
  call.headers.origin === undefined &&
  call.body === '{"query":"{ orders }"}';

/** Right but for the flaw. Denies by a limit after forty honest calls. */
async function serve(flaw: Flaw = () => undefined): Promise<string> {
  let calls = 0;
  const server = createServer((request, response) => {
    const { method = '', url = '', headers, rawHeaders } = request;
    const names = rawHeaders
      .filter((_, index) => index % 2 === 0)
      .map((name) => name.toLowerCase());
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => (body += part));
    request.on('end', () => {
      const call: Call = { method, url, headers, names, body };
      const isAdmitted = isKnown(call) && isHonest(call);
      const status = isAdmitted ? (++calls > 40 ? 429 : 200) : 401;
      const right: Reply = { status, headers: SAFE, body: status === 200 ? DATA : '{}' };
      const reply = flaw(call) ?? right;
      response.writeHead(reply.status, reply.headers).end(reply.body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  // It listens on a port.
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}/graphql`;
}

/** The attacks that succeeded, with what they told. */
async function found(url: string): Promise<Readonly<Record<string, string>>> {
  const given = [
    '--token',
    'a.b.c',
    '--cookie',
    'sid=1',
    '--graphql',
    '{ orders }',
    '--burst',
    '60',
  ];
  const { out, err } = await callCli('attack', url, '--i-own-this', '--json', ...given);
  expect(err).toBe('');
  const { results } = JSON.parse(out) as {
    readonly results: readonly { id: string; outcome: string; evidence: string }[];
  };
  return Object.fromEntries(
    results.flatMap(({ id, outcome, evidence }) =>
      outcome === 'succeeded' ? [[id, evidence] as const] : [],
    ),
  );
}

const bare = ['host', 'connection', 'content-type', 'content-length'];
const hasOnly = ({ names }: Call, ...more: readonly string[]): boolean =>
  names.every((name) => [...bare, ...more].includes(name));
const isPlain = (call: Call): boolean =>
  call.url === '/graphql' && call.method === 'POST' && call.body.includes('orders');
const tokenOf = ({ headers }: Call): string => (headers.authorization ?? '').replace('Bearer ', '');

const flaws: readonly (readonly [id: string, evidence: string, flaw: Flaw])[] = [
  ['token.missing', 'without credentials', (call) => when(isPlain(call) && hasOnly(call))],
  [
    'token.forged',
    'An unsigned token',
    (call) =>
      when(
        tokenOf(call).startsWith('eyJhbGciOiJub25lIn0.') &&
          tokenOf(call).endsWith('.') &&
          !tokenOf(call).includes('.b.'),
      ),
  ],
  ['token.forged', 'of one letter', (call) => when(isPlain(call) && tokenOf(call) === 'x')],
  [
    'token.tampered',
    'another signature',
    (call) => when(isPlain(call) && /^a\.b\.[^c]/.test(tokenOf(call))),
  ],
  ['token.tampered', 'other claims', (call) => when(tokenOf(call).startsWith('a.eyJ'))],
  [
    'token.tampered',
    'without its signature',
    (call) => when(tokenOf(call).includes('.b.') && tokenOf(call).startsWith('eyJ')),
  ],
  [
    'token.twice',
    'two Authorization headers',
    (call) =>
      when(isPlain(call) && call.names.filter((name) => name === 'authorization').length === 2),
  ],
  ['token.query', 'in the query', (call) => when(call.url === '/graphql?access_token=a.b.c')],
  ...['//graphql', '/x/../graphql', '/graphql/', '/graphql%00', '/graphql.json', '/GRAPHQL'].map(
    (path): (typeof flaws)[number] => ['path.ambiguous', path, (call) => when(call.url === path)],
  ),
  ...['x-original-url', 'x-rewrite-url', 'x-forwarded-for', 'x-user'].map(
    (name): (typeof flaws)[number] => [
      'header.override',
      'X-',
      (call) => when(call.names.includes(name)),
    ],
  ),
  [
    'header.override',
    'X-HTTP-Method-Override',
    (call) => when(call.headers['x-http-method-override'] === 'GET'),
  ],
  [
    'cors.reflected',
    'https://attacker.example',
    ({ headers }) =>
      headers.origin === 'https://attacker.example'
        ? { status: 401, headers: { ...SAFE, 'access-control-allow-origin': headers.origin } }
        : undefined,
  ],
  [
    'cors.reflected',
    'null',
    ({ headers, method }) =>
      headers.origin === 'null' && method === 'OPTIONS'
        ? { status: 204, headers: { 'access-control-allow-origin': 'null' } }
        : undefined,
  ],
  ...['text/plain', 'application/x-www-form-urlencoded'].map((type): (typeof flaws)[number] => [
    'csrf.simple',
    'form of another site',
    ({ headers }) => when(headers.cookie === 'sid=1' && headers['content-type'] === type),
  ]),
  [
    'method.trace',
    'answered with 200',
    ({ method }) => (method === 'TRACE' ? { status: 200 } : undefined),
  ],
  [
    'headers.missing',
    'nosniff is missing',
    (call) => (isPlain(call) && hasOnly(call) ? { status: 401 } : undefined),
  ],
  [
    'headers.missing',
    'names the software',
    (call) =>
      isPlain(call) && hasOnly(call)
        ? { status: 401, headers: { ...SAFE, 'x-powered-by': 'Express' } }
        : undefined,
  ],
  ...['\\n    at f (/srv/app.js:1:1)', '/srv/node_modules/express', 'SQLSTATE 42601'].map(
    (text): (typeof flaws)[number] => [
      'errors.telling',
      'stack trace',
      ({ body }) =>
        body === '{"a":' ? { status: 500, headers: SAFE, body: `{"error":"${text}"}` } : undefined,
    ],
  ),
  [
    'graphql.introspection',
    'Introspection is answered',
    ({ body }) =>
      body.includes('__schema') ? { ...ADMITTED, body: '{"data":{"__schema":{}}}' } : undefined,
  ],
  ['graphql.cost', '2,000 aliases', ({ body }) => when(body.includes('a1999'))],
  ['graphql.cost', 'A batch of 200', ({ body }) => when(body.startsWith('['))],
  ['limit.missing', 'None of 60 calls', (call) => when(isKnown(call) && isHonest(call))],
];

describe('a server with one flaw', () => {
  test.each(flaws)('is found by %s alone: %s', async (id, evidence, flaw) => {
    const all = await found(await serve(flaw));
    expect(Object.keys(all)).toEqual([id]);
    expect(all[id]).toContain(evidence);
  });

  test('a server without a flaw is not reported', async () => {
    expect(await found(await serve())).toEqual({});
  });

  test('is here for every attack, and each names its risk of the OWASP API Security Top 10', () => {
    const seen = new Set(flaws.map(([id]) => id));
    const missing = ATTACKS.filter(({ id }) => !seen.has(id) && !/^(?:dpop|grpc)\./.test(id));
    expect(missing.map(({ id }) => id)).toEqual([]);
    for (const { owasp } of ATTACKS) expect(owasp).toMatch(/^API(?:10|[1-9]):2023$/);
    expect(new Set(ATTACKS.map(({ id }) => id)).size).toBe(ATTACKS.length);
  });
});
