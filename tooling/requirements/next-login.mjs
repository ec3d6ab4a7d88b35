// A login in a real Next server: what check-requirements.mjs builds and starts, and what then calls it.

const SHOP = 'http://localhost:39472';
const PROVIDER = 'http://localhost:39473';

/** @returns {Record<string, string>} by file */
export function nextLogin() {
  return {
    'next/shop.js': `import { allowAuthenticated, crossOrigin, guard } from '@apisec/core';
import { authenticateSession, memorySessionStore, oauthClient, oauthRoutes, sessions } from '@apisec/oauth';
const client = oauthClient({
  issuer: '${PROVIDER}', clientId: 'shop', redirectUri: '${SHOP}/auth/callback', insecureLoopback: true,
  authentication: { method: 'client_secret_basic', clientSecret: 'b7Kq0-drawn-for-the-tests' },
});
const keys = { current: 'v1', keys: { v1: crypto.getRandomValues(new Uint8Array(32)) } };
const browser = sessions({ store: memorySessionStore(), keys, clients: [client], insecureCookies: true });
export const routes = oauthRoutes(client, browser);
export const account = guard()
  .use(crossOrigin({ self: '${SHOP}' }))
  .use(authenticateSession(browser, { loginPath: '/auth/login' }))
  .use(allowAuthenticated());`,
    'next/app/auth/[...rest]/route.js': `import { routes } from '../../../shop.js';
export const GET = routes.fetch;
export const POST = routes.fetch;`,
    'next/app/me/route.js': `import { protect } from '@apisec/core';
import { account } from '../../shop.js';
const quiet = { onFault() {} };
export const GET = protect(account, (_request, { principal }) => Response.json(principal.subject), quiet);
export const POST = protect(account, async (request) => Response.json(await request.json()), quiet);`,
    'next-login.mjs': CALLS,
  };
}

/** Prints, in turn, what a browser that has signed in is answered, and another one. */
const CALLS = `import { spawn } from 'node:child_process';
import { createServer, request } from 'node:http';
import { testIssuer } from '@apisec/core/testing';

const issuer = testIssuer({ issuer: '${PROVIDER}', audience: 'shop' });
let nonce;
const answers = {
  '/.well-known/openid-configuration': () => ({
    issuer: issuer.issuer, jwks_uri: issuer.issuer + '/jwks',
    authorization_endpoint: issuer.issuer + '/auth', token_endpoint: issuer.issuer + '/token',
    id_token_signing_alg_values_supported: ['ES256'],
  }),
  '/jwks': () => issuer.jwks(),
  '/token': async () => ({
    access_token: 'a', token_type: 'Bearer', expires_in: 60, id_token: await issuer.token({ nonce }, { typ: 'JWT' }),
  }),
};
const provider = createServer(async (req, res) => {
  const body = await answers[req.url]?.();
  res.setHeader('content-type', 'application/json').end(JSON.stringify(body ?? {}));
}).listen(39473);

const jar = new Map();
const call = (path, { method = 'GET', headers = {}, body, stranger = false } = {}) =>
  new Promise((resolve, reject) => {
    const cookie = stranger ? '' : [...jar].map((pair) => pair.join('=')).join('; ');
    const sent = request('${SHOP}' + path, { method, headers: { cookie, ...headers } }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('end', () => {
        for (const line of stranger ? [] : (answer.headers['set-cookie'] ?? [])) {
          const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
          if (/max-age=0/i.test(line)) jar.delete(name);
          else jar.set(name, value);
        }
        resolve({ status: answer.statusCode, headers: answer.headers, text: Buffer.concat(chunks).toString() });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
const PAGE = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-fetch-site': 'none' };
const SCRIPT = { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', 'sec-fetch-site': 'same-origin' };
const must = (what, holds, seen) => {
  if (!holds) throw new Error(what + ': ' + JSON.stringify(seen));
};

const next = spawn(process.execPath, ['../node_modules/next/dist/bin/next', 'start', '-p', '39472'], { cwd: 'next', stdio: 'ignore' });
process.on('exit', () => next.kill());
let page;
for (let tries = 0; page === undefined && tries < 120; tries++) {
  await new Promise((resolve) => setTimeout(resolve, 500));
  page = await call('/me', { headers: PAGE }).catch(() => undefined);
}
must('a page without a session leads to the login', page?.headers.location === '/auth/login?returnTo=%2Fme', page);
const begun = await call(page.headers.location, { headers: PAGE });
const at = new URL(begun.headers.location);
must('the login leads to the provider', at.origin === '${PROVIDER}', begun);
nonce = at.searchParams.get('nonce');
const back = await call('/auth/callback?code=c&state=' + at.searchParams.get('state'), { headers: PAGE });
must('the way back leads to the page', back.text.includes('url=${SHOP}/me'), back);
must('no cache keeps it', back.headers['cache-control'] === 'no-store', back);
must('the login has left no cookie but that of the session', [...jar.keys()].join() === 'session', [...jar.keys()]);

const post = { method: 'POST', headers: { ...SCRIPT, 'content-type': 'application/json' }, body: '[1]' };
console.log((await call('/me', { headers: SCRIPT })).status);
console.log((await call('/me', { headers: SCRIPT, stranger: true })).status);
const echoed = await call('/me', post);
must('a handler reads its body', echoed.text === '[1]', echoed);
const foreign = await call('/me', { ...post, headers: { ...post.headers, 'sec-fetch-site': 'cross-site' } });
must('another site is denied', foreign.status === 403, foreign);
must('a logout is no GET', (await call('/auth/logout', { headers: PAGE })).status === 405);
const out = await call('/auth/logout', { method: 'POST', headers: SCRIPT });
must('a logout takes the cookie away', jar.size === 0, out);
console.log(out.status);
console.log((await call('/me', { headers: SCRIPT })).status);
process.exit(0);
`;
