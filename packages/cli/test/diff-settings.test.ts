import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  allowAnonymous,
  allowAuthenticated,
  allowedHosts,
  anyOf,
  authenticateIntrospection,
  authenticateJwt,
  cors,
  coverageReport,
  definePolicy,
  denyPeers,
  fixedWindow,
  guard,
  limitBody,
  pass,
  rateLimit,
  requireDpop,
  requireScopes,
  stepUp,
  subdomainsOf,
  tokenBucket,
  verifyWebhook,
} from '@apisec/core';
import { memoryReplayStore } from '@apisec/core/memory-replay-store';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callCli } from './run-cli.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apisec-diff-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Built from any policies: nothing here is called. */
async function saved(...policies: readonly unknown[]): Promise<string> {
  let admission = guard() as never as { use: (policy: unknown) => typeof admission };
  for (const policy of policies) admission = admission.use(policy);
  const path = join(folder, `${randomUUID()}.json`);
  const report = coverageReport([
    { operation: 'GET /a', protocol: 'http', admissions: [admission] },
  ]);
  await writeFile(path, JSON.stringify(report));
  return path;
}

const issuer = 'https://id.example.com';
const jwt = (more: object = {}) => authenticateJwt({ issuer, audience: 'api', ...more } as never);
const rate = (limit: unknown, more: object = {}) =>
  rateLimit({ limit, by: 'everyone', ...more } as never);
const bucket = (capacity: number, refillPerSecond = 1) =>
  tokenBucket({ capacity, refillPerSecond });
const open = allowAnonymous();

test.each<[string, readonly unknown[], readonly unknown[], string]>([
  [
    'a longer tolerance',
    [jwt({ clockTolerance: '30s' }), open],
    [jwt({ clockTolerance: '2m' }), open],
    'authenticateJwt has clockTolerance "2m", was "30s"',
  ],
  [
    'another issuer',
    [jwt(), open],
    [
      jwt({
        issuer: undefined,
        audience: undefined,
        issuers: [
          { issuer, audience: 'api' },
          { issuer: 'https://b.example', audience: 'api' },
        ],
      }),
      open,
    ],
    'authenticateJwt has issuers [{"audience":"api","issuer":"https://id.example.com"},{"audience":"api","issuer":"https://b.example"}], was not set',
  ],
  [
    'an additional issuer',
    [jwt({ issuer: undefined, audience: undefined, issuers: [{ issuer, audience: 'api' }] }), open],
    [
      jwt({
        issuer: undefined,
        audience: undefined,
        issuers: [
          { issuer, audience: 'api' },
          { issuer: 'https://b.example', audience: 'api' },
        ],
      }),
      open,
    ],
    'authenticateJwt has issuers',
  ],
  [
    'an additional audience',
    [jwt(), open],
    [jwt({ audience: ['api', 'web'] }), open],
    'authenticateJwt has audience ["api","web"], was "api"',
  ],
  [
    'an additional algorithm',
    [jwt({ algorithms: ['ES256'] }), open],
    [jwt({ algorithms: ['ES256', 'RS256'] }), open],
    'authenticateJwt has algorithms ["ES256","RS256"], was ["ES256"]',
  ],
  [
    'a limit that is a thousand times as high',
    [rate(bucket(10)), open],
    [rate(bucket(10_000)), open],
    'rateLimit has limit {"algorithm":"bucket","capacity":10000,',
  ],
  [
    'a limit that recovers more quickly',
    [rate(bucket(10, 1)), open],
    [rate(bucket(10, 100)), open],
    'rateLimit has limit',
  ],
  [
    'a window that is shorter',
    [rate(fixedWindow({ limit: 10, window: '1h' })), open],
    [rate(fixedWindow({ limit: 10, window: '1s' })), open],
    'rateLimit has limit',
  ],
  [
    'a wider limit, where there are two',
    [rate(bucket(10)), rate(bucket(20)), open],
    [rate(bucket(10)), rate(bucket(30)), open],
    'rateLimit has limit',
  ],
  [
    'a limit that is open while its store fails',
    [rate(bucket(10), { onStoreFailure: 'closed' }), open],
    [rate(bucket(10), { onStoreFailure: 'open' }), open],
    'rateLimit has onStoreFailure "open", was "closed"',
  ],
  [
    'an additional origin',
    [cors({ origins: ['https://a.example'] }), open],
    [cors({ origins: ['https://a.example', 'https://b.example'] }), open],
    'cors has origins ["https://a.example","https://b.example"], was ["https://a.example"]',
  ],
  [
    'every origin',
    [cors({ origins: ['https://a.example'] }), open],
    [cors({ origins: '*' }), open],
    'cors has origins "*", was ["https://a.example"]',
  ],
  [
    'origins by a pattern',
    [cors({ origins: ['https://a.example'] }), open],
    [cors({ origins: ['https://a.example', subdomainsOf('https://example.com')] }), open],
    'cors has origins',
  ],
  [
    'larger bodies',
    [limitBody({ maxBytes: 1_000 }), open],
    [limitBody({ maxBytes: 9_000 }), open],
    'limitBody has maxBytes 9000, was 1000',
  ],
  [
    'an additional host',
    [allowedHosts({ hosts: ['a.example'] }), open],
    [allowedHosts({ hosts: ['a.example', 'b.example'] }), open],
    'allowedHosts has hosts',
  ],
  [
    'one fewer denied range',
    [denyPeers({ ranges: ['192.0.2.0/24', '198.51.100.0/24'] }), open],
    [denyPeers({ ranges: ['192.0.2.0/24'] }), open],
    'denyPeers has ranges ["192.0.2.0/24"], was',
  ],
  [
    'an older sign-in',
    [jwt(), stepUp({ maxAge: '5m' }), open],
    [jwt(), stepUp({ maxAge: '1h' }), open],
    'stepUp has maxAge "1h", was "5m"',
  ],
  [
    'proofs that are no longer required',
    [jwt(), dpop({ required: true }), open],
    [jwt(), dpop({ required: false }), open],
    'requireDpop has required false, was true',
  ],
  [
    'a policy inside a combination',
    [anyOf(rate(bucket(10)), rate(bucket(10))), open],
    [anyOf(rate(bucket(10)), rate(bucket(90))), open],
    'anyOf(rateLimit, rateLimit): rateLimit has limit',
  ],
  [
    'a shorter list of scopes',
    [jwt(), requireScopes('a', 'b')],
    [jwt(), requireScopes('a')],
    'lost requireScopes(a b)',
  ],
])('%s opens something, and the reverse closes it', async (_what, before, after, told) => {
  const [one, two] = [await saved(...before), await saved(...after)];
  const opens = await callCli('diff', one, two);
  expect(opens.out).toContain(`opened  GET /a: ${told}`);
  expect([opens.code, opens.err]).toEqual([1, '']);
  const closes = await callCli('diff', two, one);
  // Of what was not set nobody knows whether it was stricter, and a name that is gone is gone.
  if (/not set|^lost/.test(told)) return;
  expect(closes.out).toMatch(/^closed {2}GET \/a: /m);
  expect(closes.out).not.toContain('opened');
  expect(closes.code).toBe(0);
});

function dpop(more: object) {
  const publicOrigin = 'https://api.example.com';
  return requireDpop({ publicOrigin, replay: memoryReplayStore(), ...more });
}

test('a change that cannot be ranked counts as opened in both directions', async () => {
  const profile = (settings: Readonly<Record<string, unknown>>) =>
    definePolicy({ name: 'own', role: 'check', settings, check: () => pass() });
  const [one, two] = [
    await saved(profile({ color: 'red' }), open),
    await saved(profile({ color: 'blue' }), open),
  ];
  expect((await callCli('diff', one, two)).out).toBe(
    'opened  GET /a: own has color "blue", was "red".\n',
  );
  expect((await callCli('diff', two, one)).code).toBe(1);
});

test('a bound that is lifted counts as opened', async () => {
  const bounds = (depth: number | false) =>
    definePolicy({ name: 'bounds', role: 'check', settings: { depth }, check: () => pass() });
  const [ten, none] = [await saved(bounds(10), open), await saved(bounds(false), open)];
  const { code, out } = await callCli('diff', ten, none);
  expect([code, out]).toEqual([1, 'opened  GET /a: bounds has depth false, was 10.\n']);
});

test('policies with the same options do not differ, also against a report without options', async () => {
  const policies = () => [jwt(), rate(bucket(10)), cors({ origins: ['https://a.example'] }), open];
  const [one, two] = [await saved(...policies()), await saved(...policies())];
  expect((await callCli('diff', one, two)).code).toBe(0);
  const bare = join(folder, `${randomUUID()}.json`);
  const old = JSON.parse(await readFile(one, 'utf8'), (name, value) =>
    name === 'settings' ? undefined : value,
  );
  await writeFile(bare, JSON.stringify(old));
  expect((await callCli('diff', bare, two)).out).toBe('Nothing was opened, and nothing closed.\n');
});

test('no secret of a policy is in a report', async () => {
  const secret = 'c2VjcmV0LXBsYW50ZWQtaGVyZS0xMjM0NTY3ODkw';
  const file = await saved(
    authenticateIntrospection({
      issuer,
      endpoint: 'https://id.example.com/introspect',
      audience: 'api',
      client: { clientId: 'api', clientSecret: secret, method: 'client_secret_basic' },
    }),
    verifyWebhook({ scheme: 'standard', keys: [`whsec_${secret}`] } as never),
    allowAuthenticated(),
  );
  const text = await readFile(file, 'utf8');
  expect(text).toContain('"endpoint":"https://id.example.com/introspect"');
  expect(text).not.toContain(secret);
});
