import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { localJwks } from '../keys/local-jwks.ts';
import { authenticateJwt } from './authenticate-jwt.ts';

const issuer = 'https://id.example.com';
const audience = 'https://api.example.com';
const pair = await generateKeyPair('ES256');
const keys = localJwks({
  keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'a', alg: 'ES256' }],
});

test('a good token passes', async () => {
  const jwt = await new SignJWT({ client_id: 'c', scope: 'a b' })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'a' })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject('alice')
    .setIssuedAt()
    .setExpirationTime('5m')
    .setJti('1')
    .sign(pair.privateKey);
  const policy = authenticateJwt({ issuer, audience, keys });
  const request = new Request('https://x/', { headers: { authorization: `Bearer ${jwt}` } });
  const outcome = await policy.check(request, {});
  expect(outcome).toMatchObject({ ok: true, facts: { principal: { subject: 'alice' } } });
  expect(policy.check(request, {})).toBe(outcome);
});
