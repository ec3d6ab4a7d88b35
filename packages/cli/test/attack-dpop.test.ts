import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  allowAuthenticated,
  authenticateJwt,
  dpopNonces,
  guard,
  protect,
  requireDpop,
} from '@apisec/core';
import { testIssuer } from '@apisec/core/testing';
import { getRequestListener } from '@hono/node-server';
import {
  calculateJwkThumbprint,
  compactVerify,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
} from 'jose';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ATTACKS } from '../src/attack/attacks.ts';
import { callCli } from './run-cli.ts';

const TOKEN = 'bound.to.key';
let folder: string;
let keyFile: string;
let jwk: JWK;
let jkt: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apisec-dpop-'));
  keyFile = join(folder, 'key.json');
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  jwk = await exportJWK(privateKey);
  jkt = await calculateJwkThumbprint(jwk);
  await writeFile(keyFile, JSON.stringify({ keys: [jwk] }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  // It listens on a port.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** How the attacks with a bound token ended. */
async function outcomes(url: string, token: string, ...more: readonly string[]) {
  const args = ['--i-own-this', '--json', '--token', token, '--dpop-key', keyFile, ...more];
  const { out, err } = await callCli('attack', url, ...args);
  expect(err).toBe('');
  const { d = '' } = jwk;
  expect(out).not.toContain(d);
  const { results } = JSON.parse(out) as {
    readonly results: readonly { id: string; outcome: string; evidence?: string }[];
  };
  const ended = (outcome: string) => results.filter((each) => each.outcome === outcome);
  return { succeeded: ended('succeeded'), withstood: ended('withstood').map(({ id }) => id) };
}

const dpopIds = ATTACKS.map(({ id }) => id).filter((id) => id.startsWith('dpop.'));

const CHECKS = [
  'scheme',
  'presence',
  'count',
  'alg',
  'secret',
  'typ',
  'signature',
  'key',
  'htm',
  'host',
  'path',
  'ath',
  'no ath',
  'past',
  'future',
  'no iat',
  'jti',
] as const;
type Check = (typeof CHECKS)[number];

/** The checks of RFC 9449 §4.3, of which a server leaves out one. */
async function isProved(
  { headers, headersDistinct, method = '', url = '' }: IncomingMessage,
  seen: Set<string>,
  left: Check,
): Promise<boolean> {
  // Of two, Node shows the first in `headers`.
  if (headersDistinct['authorization']?.length !== 1) return false;
  if (headers.authorization === `Bearer ${TOKEN}`) return left === 'scheme';
  if (headers.authorization !== `DPoP ${TOKEN}`) return false;
  const proofs = headersDistinct['dpop'] ?? [];
  const [proof] = proofs;
  if (proof === undefined) return left === 'presence';
  if (proofs.length > 1 && left !== 'count') return false;
  const { alg, typ, jwk: shown = {} } = decodeProtectedHeader(proof);
  if (alg === 'none') return left === 'alg';
  if (alg === 'HS256') return left === 'secret';
  if (typ !== 'dpop+jwt' && left !== 'typ') return false;
  const key = await importJWK(shown, alg);
  const isSigned = await compactVerify(proof, key).then(
    () => true,
    () => false,
  );
  if (!isSigned && left !== 'signature') return false;
  if ((await calculateJwkThumbprint(shown)) !== jkt && left !== 'key') return false;
  const { htm, htu, ath, iat, jti } = decodeJwt<Record<string, string>>(proof);
  if (htm !== method && left !== 'htm') return false;
  const target = new URL(String(htu));
  if (target.hostname !== '127.0.0.1' && left !== 'host') return false;
  if (target.pathname !== url && left !== 'path') return false;
  const hash = createHash('sha256').update(TOKEN).digest('base64url');
  if (ath === undefined ? left !== 'no ath' : ath !== hash && left !== 'ath') return false;
  const age = Date.now() / 1_000 - Number(iat);
  if (iat === undefined && left !== 'no iat') return false;
  if ((age > 60 && left !== 'past') || (age < -60 && left !== 'future')) return false;
  if (seen.has(String(jti)) && left !== 'jti') return false;
  seen.add(String(jti));
  return true;
}

describe('a server that leaves out one check of proofs', () => {
  const found: Readonly<Record<Check, readonly [id: string, evidence: string]>> = {
    scheme: ['dpop.missing', 'as a bearer token'],
    presence: ['dpop.missing', 'without a proof'],
    count: ['dpop.replayed', 'two proofs'],
    alg: ['dpop.forged', 'An unsigned proof'],
    secret: ['dpop.forged', 'a shared secret'],
    typ: ['dpop.forged', 'another type'],
    signature: ['dpop.forged', 'the signature of another key'],
    key: ['dpop.forged', 'a key of its own'],
    htm: ['dpop.misplaced', 'another method'],
    host: ['dpop.misplaced', 'another host'],
    path: ['dpop.misplaced', 'another path'],
    ath: ['dpop.misplaced', 'another token'],
    'no ath': ['dpop.misplaced', 'for no token'],
    past: ['dpop.stale', 'a day old'],
    future: ['dpop.stale', 'for tomorrow'],
    'no iat': ['dpop.stale', 'without a time'],
    jti: ['dpop.replayed', 'used before'],
  };
  test.each(CHECKS)('is found: %s', async (left) => {
    const seen = new Set<string>();
    const url = await listen((request, response) => {
      void isProved(request, seen, left).then((proved) =>
        response.writeHead(proved ? 200 : 401, { 'x-content-type-options': 'nosniff' }).end(),
      );
    });
    const [id, evidence] = found[left];
    const { succeeded } = await outcomes(`${url}/orders`, TOKEN);
    expect(succeeded.map((each) => each.id)).toEqual([id]);
    expect(succeeded[0]?.evidence).toContain(evidence);
  });
});

describe('requireDpop', () => {
  const ORIGIN = 'https://api.example.com';
  test.each([
    ['by the clock', undefined],
    ['by nonces', dpopNonces()],
  ])('withstands them all, %s', async (_how, nonce) => {
    const issuer = testIssuer();
    const orders = guard()
      .use(authenticateJwt({ ...issuer.trust, schemes: ['Bearer', 'DPoP'] }))
      .use(requireDpop({ publicOrigin: ORIGIN, required: true, nonce }))
      .use(allowAuthenticated());
    const handler = protect(orders, () => new Response('{}'));
    const listener = getRequestListener((request) => handler(request));
    const url = await listen((incoming, outgoing) => void listener(incoming, outgoing));
    const token = await issuer.token({ cnf: { jkt } });
    const { succeeded, withstood } = await outcomes(
      `${url}/orders`,
      token,
      '--dpop-origin',
      ORIGIN,
    );
    expect(succeeded.filter(({ id }) => !id.startsWith('headers.'))).toEqual([]);
    expect(withstood).toEqual(expect.arrayContaining(dpopIds));
  });
});

test.each<[string, () => Promise<readonly string[]>, RegExp]>([
  [
    'a public key',
    async () => {
      const file = join(folder, 'public.json');
      const { d: _, ...open } = jwk;
      await writeFile(file, JSON.stringify(open));
      return ['--dpop-key', file];
    },
    /not a private key/,
  ],
  ['no file', async () => ['--dpop-key', join(folder, 'no.json')], /cannot be read as JSON/],
  [
    'an origin with a path',
    async () => ['--dpop-key', keyFile, '--dpop-origin', 'https://a.example/x'],
    /--dpop-origin must be/,
  ],
])('with %s it is not run, and exits with 2', async (_what, args, told) => {
  const { code, err } = await callCli(
    'attack',
    'http://127.0.0.1:1/',
    '--i-own-this',
    ...(await args()),
  );
  expect([code, err]).toEqual([2, expect.stringMatching(told)]);
});
