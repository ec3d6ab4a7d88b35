import { algorithms } from '../crypto/jws-algorithms.ts';
import { assertUnpublishedKey } from '../crypto/published-keys.ts';
import { pathOf, queryOf } from '../engine/request.ts';
import { encodeBase64url } from '../lib/base64url.ts';
import { assertConfiguration, ConfigurationError } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { assertSecretBytes } from '../lib/secret-bytes.ts';
import {
  type BareItem,
  type InnerList,
  type Item,
  serializeMember,
} from '../lib/structured-fields.ts';
import { contentDigest } from './content-digest.ts';
import { isComponentName, signatureBase, signatureField } from './signature-base.ts';
import { jwsNames, type SignatureAlgorithm } from './signature-keys.ts';

/** Options of {@link signRequest}. */
export interface SignRequestOptions {
  /** The id under which the server knows the key. */
  readonly keyid: string;
  readonly algorithm: SignatureAlgorithm;
  /** A private key, as WebCrypto holds it or as JWK; for `hmac-sha256` the bytes of the secret. */
  readonly key: CryptoKey | JsonWebKey | Uint8Array;
  /** More to cover: headers in lower case that the request has, `@scheme`, … */
  readonly alsoCover?: readonly string[] | undefined;
  /** Which of several signatures of the request this is. Default: `sig1`. */
  readonly label?: string | undefined;
  /** For one application of the key only; the server must ask for the same. Default: none. */
  readonly tag?: string | undefined;
  /** Default: 128 random bits. */
  readonly nonce?: string | undefined;
  /** When the signature ends, from `1s` to `1h`; counted in whole seconds. Default: as the server says. */
  readonly expiresIn?: Duration | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const OPTIONS = [
  'keyid',
  'algorithm',
  'key',
  'alsoCover',
  'label',
  'tag',
  'nonce',
  'expiresIn',
  'now',
] as const;
const LABEL = /^[a-z*][a-z0-9_.*-]*$/;
const encoder = new TextEncoder();

/**
 * Signs a request for a server that runs `authenticateSignature` (RFC 9421): method, authority, path, query,
 * body (by a `Content-Digest`, RFC 9530, that it adds) and `Authorization`, as far as the request has them. Answers
 * a new request; the one given cannot be sent any more. Whoever sends it may not change what was signed: no
 * redirects, no added credentials.
 *
 * @throws ConfigurationError for a label, component, key id, tag or nonce that cannot be written, for a
 * component that the request lacks, and for a secret that is too short or a key that is published.
 * @example
 * const request = new Request('https://api.example.com/orders', { method: 'POST', body });
 * const signed = await signRequest(request, { keyid: 'partner-1', algorithm: 'ed25519', key });
 * const response = await fetch(signed);
 */
export async function signRequest(request: Request, options: SignRequestOptions): Promise<Request> {
  assertKnownOptions('signRequest', options, OPTIONS);
  const { keyid, algorithm, key, label = 'sig1', tag, expiresIn, alsoCover = [] } = options;
  const { nonce = encodeBase64url(crypto.getRandomValues(new Uint8Array(16))) } = options;
  const { now = () => Date.now() } = options;
  assertConfiguration(
    LABEL.test(label),
    'signRequest: label must be lower case letters, digits and _-.*, for example "sig1".',
  );
  assertConfiguration(
    alsoCover.every(isComponentName),
    'signRequest: alsoCover must list headers in lower case and components of RFC 9421 §2.2.',
  );
  if (key instanceof Uint8Array) assertSecretBytes('signRequest: key', key);
  else if (!(key instanceof CryptoKey)) assertUnpublishedKey('signRequest: key', key);
  const headers = new Headers(request.headers);
  const body = new Uint8Array(await request.arrayBuffer());
  const covered = new Set(['@method', '@authority', '@path', '@query', ...alsoCover]);
  if (body.length > 0) {
    headers.set('content-digest', await contentDigest(body));
    covered.add('content-digest');
  }
  if (headers.has('authorization')) covered.add('authorization');
  const created = Math.floor(now() / 1000);
  const params = new Map<string, BareItem>([['created', { type: 'integer', value: created }]]);
  if (expiresIn !== undefined) {
    const ms = durationMs('signRequest', 'expiresIn', expiresIn, { min: '1s', max: '1h' });
    params.set('expires', { type: 'integer', value: created + Math.floor(ms / 1000) });
  }
  params.set('keyid', { type: 'string', value: keyid });
  params.set('alg', { type: 'string', value: algorithm });
  params.set('nonce', { type: 'string', value: nonce });
  if (tag !== undefined) params.set('tag', { type: 'string', value: tag });
  const input: InnerList = { items: [...covered].map(component), params };
  const { origin } = new URL(request.url);
  const { method } = request;
  const target = { method, origin, path: pathOf(request), query: queryOf(request), headers };
  const base = signatureBase(target, input, {});
  if ('problem' in base) {
    throw new ConfigurationError(
      `signRequest: the request cannot be signed like this (${base.problem}); see alsoCover and the texts given.`,
    );
  }
  const signature = await sign(algorithm, key, encoder.encode(base.text));
  // The base could be written, so this can.
  headers.append('signature-input', `${label}=${serializeMember(input) as string}`);
  headers.append('signature', signatureField(label, signature));
  return new Request(request.url, {
    method,
    headers,
    body: body.length > 0 ? body : null,
    redirect: 'manual',
    signal: request.signal,
  });
}

const NO_PARAMS = new Map<string, BareItem>();

function component(name: string): Item {
  return { bare: { type: 'string', value: name }, params: NO_PARAMS };
}

async function sign(
  algorithm: SignatureAlgorithm,
  key: SignRequestOptions['key'],
  data: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  const { webCrypto } = algorithms[jwsNames[algorithm]];
  const usages: KeyUsage[] = ['sign'];
  const ready =
    key instanceof CryptoKey
      ? key
      : key instanceof Uint8Array
        ? await crypto.subtle.importKey('raw', new Uint8Array(key), webCrypto, false, usages)
        : await crypto.subtle.importKey('jwk', key, webCrypto, false, usages);
  return new Uint8Array(await crypto.subtle.sign(webCrypto, ready, data));
}
