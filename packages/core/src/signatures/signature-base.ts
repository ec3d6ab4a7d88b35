import type { HeadersView } from '../engine/request.ts';
import { parseDictionary, parseItem, parseList } from '../lib/parse-structured-fields.ts';
import {
  type BareItem,
  type InnerList,
  type Item,
  serializeBareItem,
  serializeDictionary,
  serializeList,
  serializeMember,
} from '../lib/structured-fields.ts';

/** What of a request can be signed (RFC 9421 §2). `origin` is what clients call, never `Host`. */
export interface SignableRequest {
  readonly method: string;
  /** Scheme and authority in lower case, without a default port. */
  readonly origin: string;
  readonly path: string;
  /** With its question mark; empty where there is none. */
  readonly query: string;
  readonly headers: HeadersView;
}

/** Which kind of structured field a header is; only known ones can be signed with `sf` or `key`. */
export type FieldTypes = Readonly<Record<string, 'item' | 'list' | 'dictionary'>>;

/** Why a component has no value here. */
export type ComponentProblem =
  | 'signature.malformed'
  | 'signature.component_unsupported'
  | 'signature.component_missing';

type Value = { readonly text: string } | ComponentProblem;

/** Why there is no text to sign, and of which component. */
export interface UnsignedComponent {
  readonly problem: ComponentProblem;
  readonly component: string | undefined;
}
type Param = readonly [name: string, value: BareItem] | undefined;

const UNSUPPORTED = 'signature.component_unsupported';
const MISSING = 'signature.component_missing';
const MALFORMED = 'signature.malformed';

/** RFC 9110 §5.6.2, in the lower case that §2.1 asks for. */
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
/** §2.5 of RFC 9421: no obs-text, and nothing that could begin a line of its own. */
const VALUE = /^[\t\x20-\x7e]*$/;

/**
 * The text that a signature is made over (RFC 9421 §2.5), or why there is none. A component may carry one
 * parameter: `sf`, `key` or `name`. `bs`, `req` and `tr` are not supported: a request that is being served
 * shows no single field lines, no other request and no trailers.
 */
export function signatureBase(
  request: SignableRequest,
  input: InnerList,
  fields: FieldTypes,
): { readonly text: string } | UnsignedComponent {
  const lines: string[] = [];
  const seen = new Set<string>();
  for (const component of input.items) {
    const identifier = serializeMember(component);
    if (identifier === undefined || seen.has(identifier)) {
      return { problem: MALFORMED, component: identifier };
    }
    seen.add(identifier);
    const value = valueOf(request, component, fields);
    if (typeof value === 'string') return { problem: value, component: identifier };
    if (!VALUE.test(value.text)) return { problem: UNSUPPORTED, component: identifier };
    lines.push(`${identifier}: ${value.text}`);
  }
  const params = serializeMember(input);
  if (params === undefined) return { problem: MALFORMED, component: undefined };
  return { text: [...lines, `"@signature-params": ${params}`].join('\n') };
}

/** True for a component that a signature of a request can be asked to cover, by its plain name. */
export function isComponentName(name: unknown): name is string {
  return typeof name === 'string' && (Object.hasOwn(derived, name) || FIELD_NAME.test(name));
}

const derived: Readonly<Record<string, (request: SignableRequest) => string>> = {
  '@method': ({ method }) => method,
  '@target-uri': ({ origin, path, query }) => origin + path + query,
  '@authority': ({ origin }) => origin.slice(origin.indexOf('://') + 3),
  '@scheme': ({ origin }) => origin.slice(0, origin.indexOf(':')),
  '@request-target': ({ path, query }) => path + query,
  '@path': ({ path }) => path,
  '@query': ({ query }) => query || '?',
};

function valueOf(request: SignableRequest, { bare, params }: Item, fields: FieldTypes): Value {
  if (bare.type !== 'string') return MALFORMED;
  if (params.size > 1) return UNSUPPORTED;
  const { value: name } = bare;
  const [param] = params;
  if (!name.startsWith('@')) return fieldValue(request.headers, name, param, fields);
  if (name === '@query-param') return queryParam(request.query, param);
  const derive = Object.hasOwn(derived, name) ? derived[name] : undefined;
  return derive === undefined || param !== undefined ? UNSUPPORTED : { text: derive(request) };
}

function fieldValue(headers: HeadersView, name: string, param: Param, fields: FieldTypes): Value {
  if (!FIELD_NAME.test(name)) return MALFORMED;
  const value = headers.get(name);
  if (value === null || value === undefined) return MISSING;
  if (param === undefined) return { text: value.trim() };
  const [kind, { value: key }] = param;
  const type = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (kind === 'sf' && key === true && type !== undefined) {
    const text = rewritten(value, type);
    return text === undefined ? MALFORMED : { text };
  }
  if (kind === 'key' && typeof key === 'string' && type === 'dictionary') {
    const dictionary = parseDictionary(value);
    if (dictionary === undefined) return MALFORMED;
    const member = dictionary.get(key);
    const text = member && serializeMember(member);
    return text === undefined ? MISSING : { text };
  }
  return UNSUPPORTED;
}

/** A structured field as its specification writes it (§2.1.1). */
function rewritten(value: string, type: FieldTypes[string]): string | undefined {
  if (type === 'dictionary') {
    const dictionary = parseDictionary(value);
    return dictionary && serializeDictionary(dictionary);
  }
  if (type === 'list') {
    const list = parseList(value);
    return list && serializeList(list);
  }
  const item = parseItem(value);
  return item && serializeMember(item);
}

/** One parameter of the query by its name, which must be there once (§2.2.8). */
function queryParam(query: string, param: Param): Value {
  if (param === undefined || param[0] !== 'name' || param[1].type !== 'string') return UNSUPPORTED;
  const name = param[1].value;
  const found = [...new URLSearchParams(query)].filter(([each]) => encode(each) === name);
  const [first] = found;
  if (first === undefined) return MISSING;
  return found.length === 1 ? { text: encode(first[1]) } : UNSUPPORTED;
}

/** The form-urlencoded percent-encode set of the URL standard, with `%20` for a space. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()~]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The header `Signature` for one signature. */
export function signatureField(label: string, signature: Uint8Array): string {
  return `${label}=${serializeBareItem({ type: 'bytes', value: signature })}`;
}
