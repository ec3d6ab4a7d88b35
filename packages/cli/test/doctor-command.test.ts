import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { utimes, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { altNames, createAuthority } from '@apisec/conformance/certificates';
import {
  allowAnonymous,
  allowAuthenticated,
  definePolicy,
  guard,
  pass,
  type ServedOperation,
} from '@apisec/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Patient } from '../src/doctor/check.ts';
import { CHECKS } from '../src/doctor/doctor-command.ts';
import {
  at,
  file,
  folderWith,
  jwk,
  jwks,
  listening,
  look,
  NOW,
  plainly,
  serve,
  token,
} from './patients.ts';
import { callCli, fixture } from './run-cli.ts';

const DAY = 86_400_000;

const who = definePolicy({
  name: 'who',
  role: 'check',
  adds: ['principal'],
  check: () => pass({ principal: { id: 'alice', issuer: 'i', subject: 'alice' } as never }),
});
const limit = definePolicy({
  name: 'limit',
  role: 'check',
  purposes: ['limit'],
  check: () => pass(),
});
const orders = guard().use(limit).use(who).use(allowAuthenticated());
const open = guard().use(limit).use(allowAnonymous());
const onTrial = guard()
  .use(limit)
  .use(who)
  .use(limit, { mode: 'shadow' })
  .use(allowAuthenticated());
const http = (...admissions: readonly object[]): readonly ServedOperation[] => [
  { operation: 'GET /orders', protocol: 'http', admissions },
];

/** A server that does everything wrong, and one that does nothing wrong. */
const bad: RequestListener = (request, response) => {
  response.setHeader('access-control-allow-origin', request.headers.origin ?? '*');
  response.setHeader('x-powered-by', 'Express');
  response.end('{"data":{"__schema":{}},"stack":"Error\n    at f (/srv/app.js:1:1)"}');
};
const good: RequestListener = (_request, response) => {
  response.writeHead(401, { 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
  response.end('{}');
};

const claims = { iss: 'https://id.example.com', aud: 'api', iat: 1_000_000, exp: 1_000_600 };

const [one, two] = [jwk('k1'), jwk('k2')];
/** Answers as Redis does to what it is asked. */
async function redis(config: Readonly<Record<string, string>>): Promise<Partial<Patient>> {
  const server = createTcpServer((socket) => {
    socket.setEncoding('utf8').on('data', (asked: string) => {
      if (asked.includes('PING')) socket.write('+PONG\r\n');
      for (const [name, value] of Object.entries(config)) {
        if (!asked.includes(`\r\n${name}\r\n`)) continue;
        socket.write(`*2\r\n$${name.length}\r\n${name}\r\n$${value.length}\r\n${value}\r\n`);
      }
      socket.end('+OK\r\n');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  // It listens on a port.
  return { redis: `redis://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const secret = randomBytes(32).toString('base64url');

type Given = () => Partial<Patient> | Promise<Partial<Patient>>;
const cases: readonly (readonly [id: string, wrong: Given, says: string, right: Given])[] = [
  [
    'coverage.complete',
    () => ({ inventory: http(open) }),
    'GET /orders lacks authentication.',
    () => ({ inventory: http(open), except: ['GET /orders=authentication'] }),
  ],
  [
    'coverage.enforced',
    () => ({ inventory: http(onTrial) }),
    'GET /orders has limit in shadow mode.',
    () => ({ inventory: http(orders) }),
  ],
  [
    'tls.used',
    () => at(new URL('http://api.example.com/')),
    'The address begins with http:.',
    () => at(new URL('https://api.example.com/')),
  ],
  [
    'tls.plain',
    () => plainly(200),
    'Without TLS it is answered with 200.',
    () => plainly(301, { location: 'https://127.0.0.1/' }),
  ],
  ['headers.cache', () => serve(bad), 'Cache-Control has neither', () => serve(good)],
  ['headers.safe', () => serve(bad), 'X-Content-Type-Options', () => serve(good)],
  ['errors.silent', () => serve(bad), 'stack trace', () => serve(good)],
  ['cors.closed', () => serve(bad), 'may read answers', () => serve(good)],
  ['access.denied', () => serve(bad), 'is answered with 200', () => serve(good)],
  [
    'graphql.introspection',
    () => serve(bad, true),
    'Introspection is answered.',
    () => serve(good, true),
  ],
  [
    'secrets.files',
    () => folderWith('.env', 0o644, false),
    '.env can be read by others (mode 644).',
    () => folderWith('.env', 0o600, false),
  ],
  [
    'secrets.files',
    () => folderWith('private.jwks.json', 0o600, true),
    'private.jwks.json is in git.',
    () => folderWith('.env.example', 0o644, true),
  ],
  [
    'secrets.files',
    () => folderWith('peppers.json', 0o640, false),
    'peppers.json can be read by others (mode 640).',
    () => folderWith('peppers.json', 0o600, false),
  ],
  [
    'secrets.values',
    async () => ({ envFile: await file('API_KEY_PEPPER="changeme-changeme-changeme"\n') }),
    'API_KEY_PEPPER is a publicly known value.',
    async () => ({ envFile: await file(`API_KEY_PEPPER=${secret}\nPORT=3000\n`) }),
  ],
  [
    'secrets.values',
    async () => ({ envFile: await file('export SESSION_SECRET=Xy7\n') }),
    'SESSION_SECRET is too short to be random.',
    async () => ({ envFile: await file("SESSION_SECRET=''\n") }),
  ],
  [
    'secrets.values',
    async () => ({
      envFile: await file('SESSION_SECRET=Xy7 # a comment makes no secret longer\n'),
    }),
    'SESSION_SECRET is too short to be random.',
    async () => ({ envFile: await file(`SESSION_SECRET=${secret} # ours\n`) }),
  ],
  [
    'secrets.values',
    async () => ({
      envFile: await file('SESSION_SECRET="Xy7" # a comment makes no secret longer\n'),
    }),
    'SESSION_SECRET is too short to be random.',
    async () => ({ envFile: await file(`SESSION_SECRET="${secret}" # ours\n`) }),
  ],
  [
    'environment.production',
    async () => ({ envFile: await file('NODE_ENV=development') }),
    'NODE_ENV is not production.',
    async () => ({ envFile: await file('# ours\nNODE_ENV=production') }),
  ],
  [
    'tokens.lifetime',
    () => ({ token: token({ ...claims, exp: claims.iat + 86_400 }) }),
    'It lives for 1440 minutes.',
    () => ({ token: token(claims) }),
  ],
  [
    'keys.rotation',
    async () => ({ jwks: await jwks(one) }),
    'Only one key is published',
    async () => ({ jwks: await jwks(one, two) }),
  ],
  [
    'store.eviction',
    () => redis({ 'maxmemory-policy': 'allkeys-lru' }),
    'Its maxmemory-policy is allkeys-lru.',
    () => redis({ 'maxmemory-policy': 'noeviction' }),
  ],
  [
    'store.password',
    () => redis({ bind: '0.0.0.0 -::1', 'protected-mode': 'yes' }),
    'It answers without a password.',
    () => redis({ bind: '127.0.0.1 -::1', 'protected-mode': 'no' }),
  ],
  [
    'store.password',
    () => redis({ bind: '* -::*', 'protected-mode': 'no' }),
    'It answers without a password.',
    () => redis({ bind: '* -::*', 'protected-mode': 'yes' }),
  ],
  [
    'store.password',
    () => redis({}),
    'It answers without a password.',
    () => redis({ bind: '', 'protected-mode': 'yes' }),
  ],
];

describe.each(cases)('%s', (id, wrong, says, right) => {
  test(`fails: ${says}`, async () => {
    expect(await look(id, await wrong())).toContain(says);
  });
  test('passes where it is right', async () => {
    expect(await look(id, await right())).toBe('passed');
  });
});

test.each<[string, object, string]>([
  ['never expires', { iss: 'i', aud: 'a' }, 'It never expires (exp).'],
  ['names nobody it is for', { iss: 'i', exp: 1 }, 'It does not name its audience (aud).'],
  ['names no issuer', { aud: 'a', exp: 1 }, 'It does not name its issuer (iss).'],
])('a token that %s fails', async (_name, wrong, says) => {
  expect(await look('tokens.lifetime', { token: token(wrong) })).toBe(says);
});

test('keys that are private, shared, short, alike or old fail', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const own = { ...privateKey.export({ format: 'jwk' }), kid: 'k3' };
  const rsa = { kty: 'RSA', n: 'x'.repeat(171), e: 'AQAB', kid: 'k4' };
  const lookAt = async (...keys: readonly object[]) =>
    look('keys.rotation', { jwks: await jwks(...keys) });
  expect(await lookAt(one, own)).toBe('A private or shared key is published.');
  expect(await lookAt(one, { kty: 'oct', k: 'x', kid: 'k5' })).toContain('private or shared');
  const postQuantum = { kty: 'AKP', alg: 'ML-DSA-44', pub: 'x', priv: 'x', kid: 'k6' };
  expect(await lookAt(one, postQuantum)).toContain('private or shared');
  expect(await lookAt(one, rsa)).toBe('An RSA key has fewer than 2048 bits.');
  expect(await lookAt(one, { ...two, kid: 'k1' })).toBe('Not every key has a kid of its own.');
  const old = await jwks(one, two);
  await utimes(old, new Date(NOW), new Date(NOW - 100 * DAY));
  expect(await look('keys.rotation', { jwks: old })).toMatch(/^They have not been rotated for 1/);
});

test('a repository that git does not read does not prove that its secrets are not in it', async () => {
  const given = await folderWith('.env', 0o600, true);
  await writeFile(join(given.folder ?? '', '.git', 'HEAD'), 'broken');
  expect(await look('secrets.files', given)).toContain('git does not say which files it holds');
});

test('a certificate must be trusted, and last; HSTS must be there, and long', async () => {
  const authority = await createAuthority('Test');
  const names = altNames({ type: 'ip', value: '127.0.0.1' });
  const { key, cert } = await authority.issue('127.0.0.1', [names]);
  let age: string | undefined;
  const server = createTlsServer({ key, cert }, (_request, response) => {
    if (age !== undefined) response.setHeader('strict-transport-security', age);
    response.end();
  });
  const url = new URL(`https://127.0.0.1:${await listening(server)}/`);
  expect(await look('tls.certificate', at(url))).toContain('It is not trusted');
  const ca = authority.cert.toString();
  // It is made for an hour.
  expect(await look('tls.certificate', at(url, { ca }))).toBe('It is good for 0 more days.');
  expect(await look('tls.certificate', at(url, { ca, now: NOW - 20 * DAY }))).toBe('passed');
  expect(await look('tls.hsts', at(url, { ca }))).toBe('Strict-Transport-Security is missing.');
  age = 'max-age=300';
  expect(await look('tls.hsts', at(url, { ca }))).toBe('Its max-age is 300 seconds.');
  age = 'max-age=31536000; includeSubDomains';
  expect(await look('tls.hsts', at(url, { ca }))).toBe('passed');
  expect(await look('tls.plain', at(url, { ca }))).toBe(
    'needs an address at port 443, or --plain-url',
  );
});

test('Redis at an invalid address is not asked', async () => {
  await expect(look('store.password', { redis: 'redis://192.0.2.1:x' })).rejects.toThrow('--redis');
});

test('the command prints each check, and its exit code says whether one failed or was skipped', async () => {
  const keys = await jwks(one, two);
  const passed = await callCli('doctor', '--jwks', keys);
  expect([passed.code, passed.err]).toEqual([0, '']);
  expect(passed.out).toMatch(/^passed {3}keys\.rotation/m);
  expect(passed.out).toContain('skipped  tls.used                Calls go over TLS: needs --url');
  expect((await callCli('doctor', '--jwks', keys, '--strict')).code).toBe(1);
  const failed = await callCli('doctor', fixture('inventory.ts'), '--jwks', keys, '--json');
  expect(failed.code).toBe(1);
  const { findings } = JSON.parse(failed.out);
  expect(findings).toHaveLength(CHECKS.length);
  expect(findings[0]).toMatchObject({ id: 'coverage.complete', outcome: 'failed' });
});

test('an address that does not answer without TLS is as good as a redirect', async () => {
  const gone = createServer();
  const port = await listening(gone);
  gone.close();
  const plain = new URL(`http://127.0.0.1:${port}/`);
  expect(await look('tls.plain', { ...at(new URL('https://127.0.0.1/')), plain })).toBe('passed');
});

test('every check has been seen failing here', () => {
  // These two have a test of their own, with a server that speaks TLS.
  const seen = new Set([...cases.map(([id]) => id), 'tls.certificate', 'tls.hsts']);
  expect(CHECKS.map(({ id }) => id).filter((id) => !seen.has(id))).toEqual([]);
});

test('no secret that is checked is printed', async () => {
  const env = await file(`DB_PASSWORD=password-${secret}\nNODE_ENV=production`);
  const given = token({ ...claims, note: secret });
  const { code, out, err } = await callCli('doctor', '--env-file', env, '--token', given);
  expect(code).toBe(1);
  expect(out + err).not.toContain(secret);
  expect(out).toContain('DB_PASSWORD is a publicly known value.');
});

test.each<[string, readonly string[], RegExp]>([
  ['with nothing to check', [], /nothing to check/],
  ['with an address that is none', ['--url', 'ftp://x'], /--url is the address/],
  [
    'with an address without TLS that has it',
    ['--url', 'https://a.example/', '--plain-url', 'https://a.example/'],
    /--plain-url is the same address/,
  ],
  ['with a file that is not there', ['--env-file', './no'], /cannot be read/],
  ['with keys that are none', ['--jwks', fixture('openapi.json')], /is not a JWK Set/],
  ['with another Redis', ['--redis', 'http://x'], /--redis must be an address/],
])('%s it is not run, and exits with 2', async (_what, args, told) => {
  const { code, err } = await callCli('doctor', ...args);
  expect(code).toBe(2);
  expect(err).toMatch(told);
});
