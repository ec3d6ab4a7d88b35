/** A media type (RFC 9110 §8.3.1), its names in lower case. */
export interface MediaType {
  readonly type: string;
  readonly subtype: string;
  /** `type/subtype` without parameters. */
  readonly essence: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Longer than any that is in use. */
const MAX_LENGTH = 512;
/** RFC 6838 §4.2, which allows less than the grammar of the header field. */
const ESSENCE = /([a-z\d][\w!#$&^.+-]{0,126})\/([a-z\d][\w!#$&^.+-]{0,126})/iy;
const PARAMETER = / *; *(?:([\w!#$%&'+.^`|~-]+)=(?:([\w!#$%&'*+.^`|~-]+)|"([ !#-+\--[\]-~]*)"))?/y;

const JSON_TYPE: MediaType = Object.freeze({
  type: 'application',
  subtype: 'json',
  essence: 'application/json',
  parameters: new Map(),
});

/**
 * Reads the value of `Content-Type`; undefined for anything that two readers could read differently. Beyond the
 * grammar that is: a comma (of two fields some readers take the first and some the last, and not all of them know
 * quotes), a backslash, a tab, a parameter that appears twice, one with `*` in its name (of `boundary*=y; boundary=x`
 * some readers, RFC 2231 at hand, take the first), and more than 512 characters. Linear in its input.
 */
export function parseMediaType(value: string): MediaType | undefined {
  if (value === 'application/json') return JSON_TYPE;
  if (value.length > MAX_LENGTH) return undefined;
  ESSENCE.lastIndex = 0;
  const found = ESSENCE.exec(value);
  if (found === null) return undefined;
  const [essence, type = '', subtype = ''] = found.map((part) => part.toLowerCase());
  const parameters = new Map<string, string>();
  for (let at = ESSENCE.lastIndex; at < value.length; at = PARAMETER.lastIndex) {
    PARAMETER.lastIndex = at;
    const parameter = PARAMETER.exec(value);
    if (parameter === null) return undefined;
    const [, name, token, quoted] = parameter;
    if (name === undefined) continue;
    const key = name.toLowerCase();
    if (parameters.has(key)) return undefined;
    parameters.set(key, token ?? quoted ?? '');
  }
  // The pattern begins at the first character, so that the whole match is there.
  return { type, subtype, essence: essence as string, parameters };
}

/** True for `application/json` and every `application/*+json` (RFC 6839 §3.1). */
export function isJsonType({ type, subtype }: MediaType): boolean {
  return type === 'application' && (subtype === 'json' || subtype.endsWith('+json'));
}

/** True for XML in any of its types (RFC 7303, RFC 6839 §3.4), document type definitions included. */
export function isXmlType({ subtype }: MediaType): boolean {
  return subtype === 'xml' || subtype.startsWith('xml-') || subtype.endsWith('+xml');
}

/** True where text in this type is UTF-8, as far as the type says. */
export function isUtf8({ parameters }: MediaType): boolean {
  const charset = parameters.get('charset');
  return charset === undefined || /^utf-?8$/i.test(charset);
}
