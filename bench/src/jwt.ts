import { createPublicKey, verify } from 'node:crypto';
import { allowAnonymous, authenticateJwt, guard, localJwks } from '@apisec/core';
import { nodeVerifier } from '@apisec/node';
import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { bench, do_not_optimize, group } from 'mitata';

const issuer = 'https://id.example.com';
const audience = 'https://api.example.com';
const pair = await generateKeyPair('RS256');
const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'key', alg: 'RS256' };
const token = await new SignJWT({ client_id: 'shop', scope: 'orders:read', roles: ['clerk'] })
  .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: 'key' })
  .setIssuer(issuer)
  .setAudience(audience)
  .setSubject('alice')
  .setJti('1')
  .setIssuedAt()
  .setExpirationTime('2h')
  .sign(pair.privateKey);

const keys = localJwks({ keys: [jwk] });
const options = { issuer, audience, keys };
const cached = authenticateJwt(options);
const onWebCrypto = authenticateJwt({ ...options, cache: false });
const onNode = authenticateJwt({ ...options, cache: false, verifier: nodeVerifier() });

// A host makes the header anew for each call, so that its text is not hashed yet.
const wire = Buffer.from(`Bearer ${token}`);
const request = {
  method: 'GET',
  url: '/',
  headers: { get: () => wire.toString('latin1'), has: () => true },
};
const seed = {
  call: { protocol: 'http', operation: 'GET /' },
  peer: { address: undefined, id: undefined },
} as const;

const bare = guard().use(allowAnonymous());
const guarded = guard().use(cached).use(allowAnonymous());
// From here on the token is known.
await guarded.check(request, seed);

group(`a repeated RS256 token of ${token.length} bytes`, () => {
  bench('reading the header', () => do_not_optimize(request.headers.get()));
  bench('guard alone', () => do_not_optimize(bare.check(request, seed)));
  bench('guard with authenticateJwt', () => do_not_optimize(guarded.check(request, seed)));
});

group('a first-seen RS256 token', () => {
  const set = createLocalJWKSet({ keys: [jwk] });
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  const data = Buffer.from(token.slice(0, token.lastIndexOf('.')));
  const signature = Buffer.from(token.slice(token.lastIndexOf('.') + 1), 'base64url');
  const checks = { issuer, audience, typ: 'at+jwt' };
  bench('jose jwtVerify', async () => do_not_optimize(await jwtVerify(token, set, checks)));
  bench('authenticateJwt', async () => do_not_optimize(await onWebCrypto.check(request, {})));
  bench('node:crypto verify alone', () => do_not_optimize(verify('sha256', data, key, signature)));
  bench('authenticateJwt with nodeVerifier', () => do_not_optimize(onNode.check(request, {})));
});
