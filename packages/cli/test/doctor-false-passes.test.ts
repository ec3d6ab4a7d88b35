import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Patient } from '../src/doctor/check.ts';
import { file, folderWith, jwk, jwks, look, NOW, plainly, serve, token } from './patients.ts';
import { callCli } from './run-cli.ts';

const NOW_SECONDS = Math.floor(NOW / 1_000);
const claims = {
  iss: 'https://id.example.com',
  aud: 'api',
  iat: NOW_SECONDS,
  exp: NOW_SECONDS + 600,
};
const secret = randomBytes(32).toString('base64url');
const [one, two] = [jwk('k1'), jwk('k2')];

/** Everything is denied and quiet, but for these headers, this status and this body. */
const answers =
  (headers: Readonly<Record<string, string>>, status = 401, body = '{}'): RequestListener =>
  (_request, response) => {
    const quiet = { 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' };
    response.writeHead(status, { ...quiet, ...headers }).end(body);
  };
const env = async (line: string) => ({ envFile: await file(`${line}\n`) });
const introspects = (body: string, method = 'POST'): RequestListener => {
  return (request, response) =>
    void response.end(request.method === method ? body : '{"errors":[{}]}');
};
const cors = (allows: (origin: string) => boolean): RequestListener => {
  return (request, response) => {
    const { origin = '' } = request.headers;
    if (allows(origin)) response.setHeader('access-control-allow-origin', origin);
    response.writeHead(401).end();
  };
};

type Given = () => Partial<Patient> | Promise<Partial<Patient>>;
test.each<[string, string, Given, string, Given]>([
  [
    'an address where nothing is served',
    'access.denied',
    () => serve(answers({}, 404)),
    'It is answered with 404, which does not show that it was denied',
    () => serve(answers({}, 403)),
  ],
  [
    'a redirect to another spelling of the path',
    'access.denied',
    () => serve(answers({ location: '/orders/' }, 308)),
    'It is answered with 308',
    () => serve(answers({})),
  ],
  [
    'a redirect that leads on without TLS',
    'tls.plain',
    () => plainly(301, { location: 'http://127.0.0.1:8080/' }),
    'It redirects to an address without TLS.',
    () => plainly(308, { location: 'https://127.0.0.1/orders' }),
  ],
  [
    'a redirect to a path',
    'tls.plain',
    () => plainly(302, { location: '/orders/' }),
    'It redirects to an address without TLS.',
    () => plainly(308, { location: 'HTTPS://127.0.0.1/' }),
  ],
  [
    'a browser cache that keeps denials',
    'headers.cache',
    () => serve(answers({ 'cache-control': 'private, max-age=600' })),
    'Cache-Control lets browsers keep them.',
    () => serve(answers({ 'cache-control': 'private, max-age=0' })),
  ],
  [
    'a server that names itself and its version',
    'headers.safe',
    () => serve(answers({ server: 'Apache/2.4.1 (Unix)' })),
    'Server names the software and its version.',
    () => serve(answers({ server: 'cloudflare' })),
  ],
  [
    'a stack trace in HTML',
    'errors.silent',
    () => serve(answers({}, 400, 'SyntaxError: no<br> &nbsp; &nbsp;at parse (/srv/app.js:10:5)')),
    'stack trace',
    () => serve(answers({}, 400, 'Look at the example (page 3)')),
  ],
  [
    'a stack trace of Python',
    'errors.silent',
    () => serve(answers({}, 500, '{"detail":"Traceback (most recent call last):\\n File"}')),
    'stack trace',
    () => serve(answers({}, 500)),
  ],
  [
    'a stack trace where the path is broken',
    'errors.silent',
    () =>
      serve((request, response) => {
        const isBroken = request.url?.includes('%E0%A4%A') === true;
        response.writeHead(400).end(isBroken ? 'URIError\n    at decode (/srv/a.js:1:2)' : '{}');
      }),
    'stack trace',
    () => serve(answers({}, 400)),
  ],
  [
    'every origin, allowed by a star',
    'cors.closed',
    () => serve(answers({ 'access-control-allow-origin': '*' })),
    'Every origin may read answers.',
    () => serve(answers({ 'access-control-allow-origin': 'https://app.example.com' })),
  ],
  [
    'origins that are compared by their beginning',
    'cors.closed',
    () => serve(cors((origin) => origin.startsWith('http://127.0.0.1'))),
    'may read answers',
    () => serve(cors((origin) => origin === 'http://127.0.0.1')),
  ],
  [
    'origins that are compared by their end',
    'cors.closed',
    () => serve(cors((origin) => origin.endsWith('127.0.0.1'))),
    'may read answers',
    () => serve(cors((origin) => origin === 'https://127.0.0.1')),
  ],
  [
    'a schema that is written with spaces',
    'graphql.introspection',
    () => serve(introspects('{\n "data": {\n  "__schema": {\n   "types": [] } } }'), true),
    'Introspection is answered.',
    () => serve(introspects('{"data":{"__schema": null},"errors":[{}]}'), true),
  ],
  [
    'a schema that is shown to a GET',
    'graphql.introspection',
    () => serve(introspects('{"data":{"__schema":{"types":[]}}}', 'GET'), true),
    'Introspection is answered.',
    () => serve(introspects('{}', 'GET'), true),
  ],
  [
    'a key in a folder below',
    'secrets.files',
    () => folderWith('keys/private.jwks.json', 0o600, true),
    'keys/private.jwks.json is in git.',
    () => folderWith('node_modules/some/private.jwks.json', 0o600, true),
  ],
  [
    'a file that git has in its history alone',
    'secrets.files',
    async () => {
      const given = await folderWith('.env', 0o600, true);
      const git = (...args: readonly string[]) =>
        execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x', ...args], {
          cwd: given.folder,
          stdio: 'ignore',
        });
      git('commit', '-m', 'x');
      git('rm', '--cached', '.env');
      git('commit', '-m', 'y');
      return given;
    },
    '.env is in the history of git.',
    () => folderWith('.env', 0o600, false),
  ],
  [
    'settings of an environment by name',
    'secrets.files',
    () => folderWith('config/production.env', 0o644, false),
    'config/production.env can be read by others',
    () => folderWith('config/example.env', 0o644, true),
  ],
  ...['server.pem', 'tls/server.key', '.ssh/id_ed25519'].map(
    (name): [string, string, Given, string, Given] => [
      name,
      'secrets.files',
      () => folderWith(name, 0o600, true),
      `${name} is in git.`,
      () => folderWith(name, 0o600, false),
    ],
  ),
  ...[
    ['API_KEY=changeme', 'API_KEY is a publicly known value.'],
    ['session_secret=Xy7', 'session_secret is too short to be random.'],
    ['JWT_SIGNING_KEY=keyboard cat', 'JWT_SIGNING_KEY is a publicly known value.'],
    ['ENCRYPTION_KEY=Xy7', 'ENCRYPTION_KEY is too short to be random.'],
    ['ACCESS_TOKEN=abababababababababababababab', 'ACCESS_TOKEN is not random.'],
    ['DB_PASS=1234567890123456789012', 'DB_PASS is a publicly known value.'],
    [
      'DATABASE_URL=postgres://app:changeme@db.example.com/shop',
      'The password in DATABASE_URL is a publicly known value.',
    ],
    ['REDIS_URL=redis://:x7@10.0.0.1', 'The password in REDIS_URL is too short to be random.'],
  ].map(([line = '', says = '']): [string, string, Given, string, Given] => [
    line,
    'secrets.values',
    () => env(line),
    says,
    () =>
      env(
        `API_KEY=${secret}\nDATABASE_URL=postgres://app:${secret}@db/shop\nPUBLIC_KEY=x\nREDIS_URL=redis://db`,
      ),
  ]),
  [
    'a token that nobody signed',
    'tokens.lifetime',
    () => ({ token: token(claims, { alg: 'none' }) }),
    'It is not signed.',
    () => ({ token: token(claims) }),
  ],
  [
    'a token of the future',
    'tokens.lifetime',
    () => ({ token: token({ ...claims, iat: NOW_SECONDS + 900_000, exp: NOW_SECONDS + 900_600 }) }),
    'It lives for 15010 minutes.',
    () => ({ token: token({ ...claims, iat: NOW_SECONDS - 900_000, exp: NOW_SECONDS - 899_400 }) }),
  ],
  [
    'an audience that is empty',
    'tokens.lifetime',
    () => ({ token: token({ ...claims, aud: [] }) }),
    'It does not name its audience (aud).',
    () => ({ token: token({ ...claims, aud: ['a', 'b'] }) }),
  ],
  [
    'one key under two names',
    'keys.rotation',
    async () => ({ jwks: await jwks(one, { ...one, kid: 'k9' }) }),
    'One key is published twice.',
    async () => ({ jwks: await jwks(one, two) }),
  ],
  [
    'a key for encryption beside one that signs',
    'keys.rotation',
    async () => ({ jwks: await jwks(one, { ...two, use: 'enc' }) }),
    'Only one key is published',
    async () => ({ jwks: await jwks(one, { ...two, use: 'sig' }) }),
  ],
  [
    'a short key of RSA behind zeros',
    'keys.rotation',
    async () => ({
      jwks: await jwks(one, { kty: 'RSA', n: `AAAA${'x'.repeat(341)}`, e: 'AQAB', kid: 'k4' }),
    }),
    'An RSA key has fewer than 2048 bits.',
    async () => ({
      jwks: await jwks(one, { kty: 'RSA', n: 'x'.repeat(342), e: 'AQAB', kid: 'k4' }),
    }),
  ],
  [
    'keys that are fetched without TLS',
    'keys.rotation',
    () => ({ jwks: 'http://id.example.com/jwks.json' }),
    'They are fetched without TLS.',
    async () => ({ jwks: await jwks(one, two) }),
  ],
])('%s does not pass %s', async (_what, id, wrong, says, right) => {
  expect(await look(id, await wrong())).toContain(says);
  expect(await look(id, await right())).toBe('passed');
});

test('that a query of GraphQL is denied shows where the query is given', async () => {
  const open: RequestListener = (request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      const data = body.includes('{ orders { id } }') ? { orders: [] } : undefined;
      response.writeHead(data ? 200 : 400).end(JSON.stringify({ data }));
    });
  };
  const { target } = await serve(open, true);
  const url = String(target?.url);
  const without = await callCli('doctor', '--url', url, '--graphql');
  expect(without.out).toMatch(/^skipped {2}access\.denied .*needs --query$/m);
  const given = await callCli('doctor', '--url', url, '--graphql', '--query', '{ orders { id } }');
  expect(given.out).toMatch(/^failed {3}access\.denied .*answered with 200\.$/m);
  const alone = await callCli('doctor', '--url', url, '--query', '{ orders { id } }');
  expect([alone.code, alone.err]).toEqual([2, expect.stringContaining('--graphql')]);
});

test('a folder of more files than are looked at does not pass', async () => {
  const given = await folderWith('a/b/c/d/e/f/g/h/.env', 0o600, false);
  expect(await look('secrets.files', given)).toContain('nested too deeply');
  expect(await look('secrets.files', { folder: join(given.folder ?? '', 'a/b/c/d') })).toBe(
    'passed',
  );
});
