import type { TotpRecord } from '@apisec/core';
import { durationMs, publishedSecretProblem } from '@apisec/core/host';
import { decodeBase32, SECRET_BYTES } from './totp-secrets.ts';
import type { ImportedTotpSecret } from './totp-types.ts';

/** How codes are made of a secret. */
type Shape = Pick<TotpRecord, 'algorithm' | 'digits' | 'period'>;

/** A secret of another system, ready to be sealed, or why it is denied. */
export type ReadSecret =
  | (Shape & { readonly bytes: Uint8Array })
  | 'totp.malformed'
  | 'totp.secret_published';

/** Others make shorter ones than RFC 4226 allows: 80 bits are what most apps began with. */
const LEAST_BYTES = 10;
const MOST_BYTES = 64;

/** Reads what another system says of a secret; members that it leaves out are those of new secrets. */
export function readImportedSecret(imported: ImportedTotpSecret, shape: Shape): ReadSecret {
  const { secret, algorithm = shape.algorithm, digits = shape.digits } = imported;
  const period =
    imported.period === undefined
      ? shape.period
      : durationMs('totp', 'period', imported.period, { min: '15s', max: '2m' }) / 1000;
  const bytes = typeof secret === 'string' ? decodeBase32(secret) : secret;
  const isKnown = Object.hasOwn(SECRET_BYTES, algorithm) && Number.isInteger(period);
  const isReadable = Number.isInteger(digits) && digits >= 6 && digits <= 8;
  if (!isSecret(bytes) || !isKnown || !isReadable) return 'totp.malformed';
  if (publishedSecretProblem(bytes) !== undefined) return 'totp.secret_published';
  return { bytes, algorithm, digits, period };
}

function isSecret(bytes: unknown): bytes is Uint8Array {
  return bytes instanceof Uint8Array && bytes.length >= LEAST_BYTES && bytes.length <= MOST_BYTES;
}
