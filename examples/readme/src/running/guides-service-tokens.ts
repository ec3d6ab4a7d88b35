import { generateKeyPairSync, type JsonWebKey } from 'node:crypto';

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
