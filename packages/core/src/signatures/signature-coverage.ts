import { assertConfiguration } from '../lib/configuration-error.ts';
import { type FieldTypes, isComponentName, type SignableRequest } from './signature-base.ts';

/** What a signature must cover unless told otherwise; the last three only where the call has them. */
export type SignatureComponent =
  | '@method'
  | '@authority'
  | '@path'
  | '@query'
  | 'content-digest'
  | 'authorization';

/** What signatures must cover; with the defaults of the factory filled in. */
export interface CoverageOptions {
  readonly coverBody: boolean;
  readonly alsoCover: readonly string[];
  readonly insecureUncovered: readonly SignatureComponent[];
}

/** What a signature over these components leaves open although it must cover it. */
export type Uncovered = (
  covered: ReadonlySet<string>,
  request: SignableRequest,
  body: Uint8Array,
) => readonly string[];

const DEFAULTS: readonly SignatureComponent[] = [
  '@method',
  '@authority',
  '@path',
  '@query',
  'content-digest',
  'authorization',
];

/** What these stand for as well (RFC 9421 §2.2.2, §2.2.5). */
const IMPLIED: Readonly<Record<string, readonly string[]>> = {
  '@target-uri': ['@scheme', '@authority', '@path', '@query'],
  '@request-target': ['@path', '@query'],
};

/** @throws ConfigurationError for a component that does not exist. */
export function signatureCoverage(
  policy: string,
  { coverBody, alsoCover, insecureUncovered }: CoverageOptions,
): Uncovered {
  assertConfiguration(
    Array.isArray(alsoCover) && alsoCover.every(isComponentName),
    `${policy}: alsoCover must list headers in lower case and components of RFC 9421 §2.2, without parameters.`,
  );
  assertConfiguration(
    Array.isArray(insecureUncovered) && insecureUncovered.every((each) => DEFAULTS.includes(each)),
    `${policy}: insecureUncovered must list some of ${DEFAULTS.join(', ')}.`,
  );
  const isNeeded = (component: SignatureComponent) => !insecureUncovered.includes(component);
  const always = (['@method', '@authority', '@path'] as const).filter(isNeeded);
  const needsQuery = isNeeded('@query');
  const needsAuthorization = isNeeded('authorization');
  const needsDigest = coverBody && isNeeded('content-digest');
  return (covered, { query, headers }, body) => {
    const implied = [...covered].flatMap((each) => IMPLIED[each] ?? []);
    const lacks = (component: string) => !covered.has(component) && !implied.includes(component);
    const needed: string[] = [...always, ...alsoCover];
    if (needsQuery && query !== '') needed.push('@query');
    if (needsAuthorization && headers.has('authorization')) needed.push('authorization');
    if (needsDigest && body.length > 0) needed.push('content-digest');
    return needed.filter(lacks);
  };
}

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
    `${policy}: structuredFields must name headers and their kind: 'item', 'list' or 'dictionary'.`,
  );
  return { ...KNOWN_FIELDS, ...own };
}
