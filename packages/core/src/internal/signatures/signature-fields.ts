import { assertConfiguration } from '../../configuration-error.ts';
import type { FieldTypes } from './signature-base.ts';

/** Structured fields that take part in signatures (RFC 9421, 9530, 9440, 9218). */
const KNOWN_FIELDS: FieldTypes = {
  'content-digest': 'dictionary',
  'repr-digest': 'dictionary',
  signature: 'dictionary',
  'signature-input': 'dictionary',
  'client-cert': 'item',
  'client-cert-chain': 'list',
  priority: 'dictionary',
};

const KINDS = ['item', 'list', 'dictionary'];

/**
 * The kinds of the known fields, and of the user's own.
 *
 * @throws ConfigurationError for a kind that does not exist.
 */
export function signatureFields(policy: string, own: FieldTypes | undefined): FieldTypes {
  assertConfiguration(
    Object.values(own ?? {}).every((kind) => KINDS.includes(kind)),
    `${policy}: structuredFields names headers and their kind: 'item', 'list' or 'dictionary'.`,
  );
  return { ...KNOWN_FIELDS, ...own };
}
