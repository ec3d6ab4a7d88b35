import type { TotpRecord } from '@apisec/core';

/** The code for one counter under a secret. */
export type OneTimeCodes = (counter: number) => Promise<string>;

/** One-time codes of RFC 4226 §5.3, with the hashes that RFC 6238 §1.2 adds. */
export async function oneTimeCodes(
  secret: Uint8Array,
  { algorithm, digits }: Pick<TotpRecord, 'algorithm' | 'digits'>,
): Promise<OneTimeCodes> {
  const hmac = { name: 'HMAC', hash: algorithm };
  const key = await crypto.subtle.importKey('raw', new Uint8Array(secret), hmac, false, ['sign']);
  return async (counter) => {
    const data = new DataView(new ArrayBuffer(8));
    data.setBigUint64(0, BigInt(counter));
    const hash = new DataView(await crypto.subtle.sign('HMAC', key, data.buffer));
    const offset = hash.getUint8(hash.byteLength - 1) & 15;
    const code = (hash.getUint32(offset) & 0x7fff_ffff) % 10 ** digits;
    return String(code).padStart(digits, '0');
  };
}
