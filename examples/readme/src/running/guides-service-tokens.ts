import { generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { createAuthority } from '../../../../packages/conformance/src/certificates.ts';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const named = { kid: 'billing', alg: 'ES256', use: 'sig' };
export const privateJwk: JsonWebKey = { ...privateKey.export({ format: 'jwk' }), ...named };
export const publicJwk: JsonWebKey = { ...publicKey.export({ format: 'jwk' }), ...named };

export const tokenOfTheUser = 'the token of alice';
/** The tokens that `bills` was called with. */
export const called: string[] = [];
export const callBills = async (token: string): Promise<void> => {
  called.push(token);
};

/** What makes certificates for servers and for the bank. */
export const authority = await createAuthority('Authority');
export const bankIdentity = await authority.issue('bank');
export const cert = bankIdentity.cert.toString();
export const key = bankIdentity.key.toString();
