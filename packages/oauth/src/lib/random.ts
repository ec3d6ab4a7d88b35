import { encodeBase64url } from '@apisec/core/host';

/** 256 random bits as 43 characters of base64url. */
export function randomToken(): string {
  return encodeBase64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** From 0 to 1, to spread what would otherwise happen in step. */
export function randomFraction(): number {
  return (crypto.getRandomValues(new Uint32Array(1))[0] as number) / 2 ** 32;
}
