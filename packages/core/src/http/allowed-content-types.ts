import { type Deny, type NoFacts, pass, sharedDenial, withCause } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import { mayHaveBody } from '../engine/request.ts';
import { settingsOf } from '../engine/settings.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { isXmlType, type MediaType, parseMediaType } from '../lib/media-type.ts';
import { assertKnownOptions } from '../lib/options.ts';

/** Options of {@link allowedContentTypes}. */
export interface AllowedContentTypesOptions {
  /**
   * Media types that a body may have, without parameters. `application/*+json` is every JSON format, `image/*` every
   * image; XML is never among those and stands in the list by its own name. Default: `application/json`.
   */
  readonly types?: readonly string[] | undefined;
  /**
   * Values of `charset` that a body may name. Readers disagree on what others mean, and filters do not look through
   * them. Default: `utf-8`.
   */
  readonly charsets?: readonly string[] | undefined;
}

const NAME = 'allowedContentTypes';
const WILDCARD = /^([a-z\d][\w!#$&^.-]*)\/\*(\+[a-z\d]+)?$/;

/**
 * Denies a body whose `Content-Type` is not in the list, whatever the method. One that is missing, that is there twice
 * or that two readers could read differently is denied too. A call passes without the header only where the host knows
 * that no body comes with it.
 *
 * Denials (415, with `Accept` where the type is the reason): `content_type.missing`, `content_type.malformed`,
 * `content_type.not_allowed`, `content_type.charset_not_allowed` (RFC 9110 §8.3, §15.5.16).
 *
 * @throws ConfigurationError for what is not a media type, and for wildcards that allow everything.
 * @example
 * allowedContentTypes({ types: ['application/json', 'multipart/form-data'] })
 */
export function allowedContentTypes(
  options: AllowedContentTypesOptions = {},
): SyncPolicy<NoFacts, NoFacts, 'check'> {
  assertKnownOptions(NAME, options, ['types', 'charsets']);
  const { types = ['application/json'], charsets = ['utf-8'] } = options;
  const isAllowed = readTypes(types);
  const allowedCharsets = readCharsets(charsets);
  const accept = { headers: [{ op: 'set', name: 'accept', value: types.join(', ') }] } as const;
  const denied = {
    missing: denial('missing', 'Name the media type of the body in Content-Type.', accept),
    malformed: denial('malformed', 'Content-Type is not one well-formed media type.', accept),
    type: denial('not_allowed', 'Bodies of this media type are not taken here.', accept),
    charset: denial('charset_not_allowed', `Send the body in ${charsets.join(' or ')}.`),
  };
  return definePolicy({
    name: NAME,
    role: 'check',
    settings: settingsOf(options, ['types', 'charsets']),
    needs: [],
    adds: [],
    check: (request) => {
      if (!mayHaveBody(request)) return pass();
      const value = request.headers.get('content-type') ?? '';
      if (value === '') return withCause(denied.missing, { expected: types });
      const type = parseMediaType(value);
      if (type === undefined) return withCause(denied.malformed, { expected: types });
      if (!isAllowed(type)) {
        return withCause(denied.type, { expected: types, given: type.essence.slice(0, 100) });
      }
      const charset = type.parameters.get('charset');
      return charset === undefined || allowedCharsets.has(charset.toLowerCase())
        ? pass()
        : withCause(denied.charset, { expected: charsets, given: charset.slice(0, 40) });
    },
  });
}

function denial(problem: string, detail: string, obligations?: Deny['obligations']): Deny {
  return sharedDenial(
    { kind: 'unsupported', code: `content_type.${problem}`, detail },
    { obligations },
  );
}

function readTypes(types: readonly unknown[]): (type: MediaType) => boolean {
  assertConfiguration(
    Array.isArray(types) && types.length > 0,
    `${NAME}: types must be a list like ['application/json'].`,
  );
  const exact = new Set<string>();
  const wildcards: { readonly type: string; readonly suffix: string }[] = [];
  for (const type of types) {
    const [, ofType, suffix = ''] = (typeof type === 'string' && WILDCARD.exec(type)) || [];
    if (ofType !== undefined) wildcards.push({ type: ofType, suffix });
    else exact.add(readType(type));
  }
  return (type) =>
    exact.has(type.essence) ||
    (wildcards.length > 0 &&
      !isXmlType(type) &&
      wildcards.some((each) => each.type === type.type && type.subtype.endsWith(each.suffix)));
}

function readType(value: unknown): string {
  const read = typeof value === 'string' ? parseMediaType(value) : undefined;
  assertConfiguration(
    read !== undefined && read.essence === value,
    `${NAME}: types: ${JSON.stringify(value)} is not a media type. Write type/subtype in lower case and without ` +
      "parameters, like 'application/json', 'application/*+json' or 'image/*'.",
  );
  return read.essence;
}

function readCharsets(charsets: readonly unknown[]): ReadonlySet<string> {
  assertConfiguration(
    Array.isArray(charsets) &&
      charsets.length > 0 &&
      charsets.every((name) => typeof name === 'string' && /^[a-z\d][\w.:+-]*$/.test(name)),
    `${NAME}: charsets must be a list of names in lower case, like ['utf-8'].`,
  );
  return new Set(charsets as readonly string[]);
}
