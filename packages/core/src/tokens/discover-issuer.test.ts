import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { audience, bearer, NOW, signer } from '../../test/jwt-kit.ts';
import { type KeyServer, keyServer, text } from '../../test/key-server.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { authenticateJwt } from './authenticate-jwt.ts';
import { discoverIssuer } from './discover-issuer.ts';

const key = await signer('ES256', 'a');
const hint = { alg: 'ES256', kid: 'a' } as const;
const OAUTH = '/.well-known/oauth-authorization-server';
const OPENID = '/.well-known/openid-configuration';

let server: KeyServer;
let at: number;
beforeEach(async () => {
  server = await keyServer();
  server.serve('/jwks', { keys: [key.jwk] });
  at = NOW;
});
afterEach(() => server[Symbol.asyncDispose]());

const discover = (issuer: string) =>
  discoverIssuer(issuer, { insecureLoopback: true, now: () => at, random: () => 1 });
const metadata = (issuer: string) => ({ issuer, jwks_uri: `${server.origin}/jwks` });

describe('discoverIssuer', () => {
  test.each([
    ['RFC 8414', '', OAUTH, [OAUTH]],
    ['RFC 8414 with a path', '/tenant/1', `${OAUTH}/tenant/1`, [`${OAUTH}/tenant/1`]],
    ['OpenID Connect', '', OPENID, [OAUTH, OPENID]],
    [
      'OpenID Connect with a path',
      '/realms/shop',
      `/realms/shop${OPENID}`,
      [`${OAUTH}/realms/shop`, `/realms/shop${OPENID}`],
    ],
    ['an issuer that ends in a slash', '/', OPENID, [OAUTH, OPENID]],
  ])('finds keys by the metadata of %s', async (_name, path, published, asked) => {
    const issuer = `${server.origin}${path}`;
    server.serve(published, metadata(issuer));
    expect(await discover(issuer).find(hint)).toMatchObject({ ok: true, keys: [{ kid: 'a' }] });
    expect(server.asked).toEqual([...asked, '/jwks']);
  });

  test.each<[string, (origin: string) => object]>([
    // Covers: V10.5.3
    ['another issuer', () => ({ issuer: 'https://evil.example.com' })],
    ['the issuer with a slash', (origin) => ({ issuer: `${origin}/` })],
    ['the issuer in another case', (origin) => ({ issuer: origin.toUpperCase() })],
    ['no issuer', () => ({ issuer: undefined })],
  ])('does not use metadata that names %s, and looks at the next path', async (_name, change) => {
    const issuer = server.origin;
    server.serve(OAUTH, { ...metadata(issuer), ...change(issuer) });
    server.serve(OPENID, { ...metadata(issuer), ...change(issuer) });
    expect(await discover(issuer).find(hint)).toMatchObject({ reason: 'unavailable' });
    server.serve(OPENID, metadata(issuer));
    expect(await discover(issuer).find(hint)).toMatchObject({ ok: true });
  });

  test.each<[string, Parameters<KeyServer['serve']>[1]]>([
    ['the page of an application, as for every path', text('<!doctype html><title>Shop</title>')],
    ['a redirect to a login', text('', 302, { location: '/login' })],
    ['an error', text('', 500)],
    ['nothing', text('')],
    ['JSON that is no object', text('[]')],
  ])('looks at the next path where the first one answers %s', async (_name, answer) => {
    server.serve(OAUTH, answer);
    server.serve(OPENID, metadata(server.origin));
    expect(await discover(server.origin).find(hint)).toMatchObject({ ok: true });
  });

  test.each<[string, (origin: string) => object]>([
    ['no address of keys', () => ({ jwks_uri: undefined })],
    ['an address of keys that is no URL', () => ({ jwks_uri: '/jwks' })],
    ['an address of keys that is not https', () => ({ jwks_uri: 'http://id.example.com/jwks' })],
    ['an address of keys that is a file', () => ({ jwks_uri: 'file:///etc/passwd' })],
  ])('does not use metadata that names %s', async (_name, change) => {
    const issuer = server.origin;
    server.serve(OAUTH, { ...metadata(issuer), ...change(issuer) });
    server.serve(OPENID, metadata(issuer));
    expect(await discover(issuer).find(hint)).toMatchObject({ reason: 'unavailable' });
    expect(server.asked).toEqual([OAUTH]);
  });

  test.each<[string, Parameters<KeyServer['serve']>[1]]>([
    ['fails', text('', 500)],
    ['redirects', text('', 301, { location: OPENID })],
    ['answers no JSON', text('hello')],
    ['answers too much', text(`{"a":"${'x'.repeat(300_000)}"}`)],
  ])('keys are unavailable where the metadata’s server %s', async (_name, answer) => {
    server.serve(OAUTH, answer);
    expect(await discover(server.origin).find(hint)).toMatchObject({ reason: 'unavailable' });
  });

  test('metadata is asked for once an hour, and again when the keys are gone', async () => {
    server.serve(OAUTH, metadata(server.origin));
    const keys = discover(server.origin);
    await keys.find(hint);
    at += 600_000;
    await keys.find(hint);
    expect(server.asked).toEqual([OAUTH, '/jwks', '/jwks']);

    server.serve('/jwks', text('', 404));
    server.serve('/moved', { keys: [key.jwk] });
    at += 600_000;
    await keys.find(hint);
    server.serve(OAUTH, { issuer: server.origin, jwks_uri: `${server.origin}/moved` });
    at += 60_000;
    keys.current();
    await expect.poll(() => server.asked.slice(3)).toEqual(['/jwks', OAUTH, '/moved']);

    await expect.poll(() => keys.find(hint)).toMatchObject({ ok: true });
    at += 3_600_000;
    await keys.find(hint);
    expect(server.asked.slice(6)).toEqual([OAUTH, '/moved']);
  });

  test('is what authenticateJwt uses where no keys are given', async () => {
    const issuer = server.origin;
    expect(() => authenticateJwt({ issuer, audience })).toThrow(/https/);
    server.serve(OAUTH, metadata(issuer));
    const policy = authenticateJwt({ issuer, audience, keys: discover(issuer), now: () => at });
    const token = await key.token({ payload: { iss: issuer } });
    expect(await policy.check(bearer(token), {})).toMatchObject({ ok: true });
  });

  test('an issuer on this machine is asked over http if authenticateJwt is configured so', async () => {
    const issuer = server.origin;
    server.serve(OAUTH, metadata(issuer));
    const token = await key.token({ payload: { iss: issuer } });
    for (const policy of [
      authenticateJwt({ issuer, audience, insecureLoopback: true, now: () => at }),
      authenticateJwt({ issuers: [{ issuer, audience, insecureLoopback: true }], now: () => at }),
    ]) {
      expect(await policy.check(bearer(token), {})).toMatchObject({ ok: true });
    }
    const elsewhere = { issuer: 'http://id.example.com', audience, insecureLoopback: true };
    expect(() => authenticateJwt(elsewhere)).toThrow(/not https/);
  });

  test.each([
    'id.example.com',
    'http://id.example.com',
    'https://id.example.com/?a=b',
    'urn:issuer',
  ])('cannot be constructed for issuer %s', (issuer) => {
    expect(() => discoverIssuer(issuer)).toThrow(ConfigurationError);
  });
});
