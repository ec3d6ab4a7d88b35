import {
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JWK,
  SignJWT,
} from 'jose';
import { type IdentityProvider, startProvider, WAREHOUSE } from './provider.ts';

export type Tokens = Awaited<ReturnType<typeof mintTokens>>;
export type TokenName = keyof Tokens;

/** The signing keys of the customers' provider, made for this run. */
export async function createKeys() {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk: JWK = { ...(await exportJWK(privateKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
  return { jwk, publicText: await exportSPKI(publicKey) };
}

/** Every token of the demo: the honest ones as a provider issued them, the hostile ones made of them. */
export async function mintTokens(
  customers: IdentityProvider,
  warehouse: IdentityProvider,
  { jwk, publicText }: Awaited<ReturnType<typeof createKeys>>,
) {
  const writer = await customers.token('storefront');
  const header = decodeProtectedHeader(writer) as { alg: string };
  const claims = { ...decodeJwt(writer), roles: ['manager'] };
  const attacker = await generateKeyPair('ES256');

  // Signs with the very same keys: only the name of the issuer tells them apart.
  const twin = await startProvider(jwk);
  const otherIssuer = await twin.token('reports');
  await twin.close();

  return {
    reader: await customers.token('reports'),
    writer,
    manager: await customers.token('backoffice'),
    warehouse: await warehouse.token('reports', WAREHOUSE),
    expired: await customers.token('yesterday'),
    otherAudience: await customers.token('reports', WAREHOUSE),
    otherIssuer,
    forged: await new SignJWT(claims).setProtectedHeader(header).sign(attacker.privateKey),
    unsigned: `${encode({ ...header, alg: 'none' })}.${encode(claims)}.`,
    confused: await new SignJWT(claims)
      .setProtectedHeader({ ...header, alg: 'HS256' })
      .sign(new TextEncoder().encode(publicText)),
  };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
