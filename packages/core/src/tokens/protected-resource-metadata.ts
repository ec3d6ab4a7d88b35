import { isAlgorithm } from '../crypto/jws-algorithms.ts';
import type { JwsAlgorithm } from '../crypto/key-source.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { parseUrl } from '../lib/parse-url.ts';

/** Options of {@link protectedResourceMetadata}: the parameters of RFC 9728 §2. */
export interface ProtectedResourceMetadataOptions {
  /** What clients call this API, and what stands in `aud`: an https URL without fragment. */
  readonly resource: string;
  /** Issuers whose tokens are taken. */
  readonly authorizationServers?: readonly string[] | undefined;
  readonly scopes?: readonly string[] | undefined;
  /** How a bearer token may be sent. Default: `['header']`, which is all that is read here. */
  readonly bearerMethods?: readonly ('header' | 'body' | 'query')[] | undefined;
  /** For people. */
  readonly name?: string | undefined;
  readonly documentation?: string | undefined;
  readonly policyUri?: string | undefined;
  readonly termsOfServiceUri?: string | undefined;
  /** Keys with which the API itself signs. */
  readonly jwksUri?: string | undefined;
  readonly signingAlgorithms?: readonly JwsAlgorithm[] | undefined;
  readonly authorizationDetailsTypes?: readonly string[] | undefined;
  readonly dpopAlgorithms?: readonly JwsAlgorithm[] | undefined;
  /** True where `requireDpop` has `required: true`. */
  readonly dpopRequired?: boolean | undefined;
  /** True where tokens may be bound to client certificates. */
  readonly certificateBound?: boolean | undefined;
  /** Parameters that are not listed here, by their own names. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
  /** How long the answer may be cached, in whole seconds up to `365d`. Default: `1h`. */
  readonly maxAge?: Duration | undefined;
}

/** The metadata of one protected resource, ready to be served. */
export interface ProtectedResourceMetadata {
  /** Where it is found: for the option `resourceMetadata` of the policies that challenge. */
  readonly url: string;
  /** The path to serve it at. */
  readonly path: string;
  readonly document: Readonly<Record<string, unknown>>;
  /** The document as it is sent. */
  readonly json: string;
  /** Serves it: `GET` and `HEAD`, to everybody and to scripts of every origin. */
  readonly handler: (request: { readonly method: string }) => Response;
}

const NAME = 'protectedResourceMetadata';
const WELL_KNOWN = '/.well-known/oauth-protected-resource';
const OPTIONS = [
  'resource',
  'authorizationServers',
  'scopes',
  'bearerMethods',
  'name',
  'documentation',
  'policyUri',
  'termsOfServiceUri',
  'jwksUri',
  'signingAlgorithms',
  'authorizationDetailsTypes',
  'dpopAlgorithms',
  'dpopRequired',
  'certificateBound',
  'extra',
  'maxAge',
] as const;

/**
 * Tells clients which tokens this API takes and where to get them (RFC 9728). It grants nothing and holds no
 * secret: serve it without a guard, or with one that ends in `allowAnonymous()`. Every URL in it is
 * configured; nothing comes from a request.
 *
 * @throws ConfigurationError when `resource` or another URL is not an https URL, or an algorithm is unknown.
 * @example
 * const metadata = protectedResourceMetadata({
 *   resource: 'https://api.example.com/shop',
 *   authorizationServers: ['https://id.example.com'],
 *   scopes: ['orders:read'],
 * });
 * authenticateJwt({ issuer, audience, resourceMetadata: metadata.url });
 * app.get(metadata.path, (_request, response) => response.type('json').send(metadata.json));
 */
export function protectedResourceMetadata(
  options: ProtectedResourceMetadataOptions,
): ProtectedResourceMetadata {
  assertKnownOptions(NAME, options, OPTIONS);
  const { resource, extra = {} } = options;
  const maxAge =
    durationMs(NAME, 'maxAge', options.maxAge ?? '1h', { min: '0s', max: '365d' }) / 1_000;
  assertHttps('resource', resource);
  for (const issuer of options.authorizationServers ?? []) {
    assertHttps('authorizationServers', issuer);
    assertConfiguration(
      !issuer.includes('?'),
      `${NAME}: ${issuer} is not an issuer: it has a query (RFC 8414 §2).`,
    );
  }
  for (const name of ['documentation', 'policyUri', 'termsOfServiceUri', 'jwksUri'] as const) {
    if (options[name] !== undefined) assertHttps(name, options[name]);
  }
  for (const algorithm of [
    ...(options.signingAlgorithms ?? []),
    ...(options.dpopAlgorithms ?? []),
  ]) {
    assertConfiguration(
      isAlgorithm(algorithm),
      `${NAME}: ${algorithm} is not a supported signature algorithm.`,
    );
  }
  assertConfiguration(
    Number.isInteger(maxAge),
    `${NAME}: maxAge must be whole seconds, as Cache-Control writes it.`,
  );
  const document = told({
    ...extra,
    resource,
    authorization_servers: options.authorizationServers,
    scopes_supported: options.scopes,
    bearer_methods_supported: options.bearerMethods ?? ['header'],
    resource_name: options.name,
    resource_documentation: options.documentation,
    resource_policy_uri: options.policyUri,
    resource_tos_uri: options.termsOfServiceUri,
    jwks_uri: options.jwksUri,
    resource_signing_alg_values_supported: options.signingAlgorithms,
    authorization_details_types_supported: options.authorizationDetailsTypes,
    dpop_signing_alg_values_supported: options.dpopAlgorithms,
    dpop_bound_access_tokens_required: options.dpopRequired,
    tls_client_certificate_bound_access_tokens: options.certificateBound,
  });
  const json = JSON.stringify(document);
  const { origin, pathname, search } = new URL(resource);
  // RFC 9728 §3.1: put in between host and path; a path that is only a slash is none.
  const path = WELL_KNOWN + (pathname === '/' ? '' : pathname);
  const headers = {
    'content-type': 'application/json',
    'cache-control': `public, max-age=${maxAge}`,
    'access-control-allow-origin': '*',
    'x-content-type-options': 'nosniff',
  };
  return Object.freeze<ProtectedResourceMetadata>({
    url: origin + path + search,
    path,
    document,
    json,
    handler: ({ method }) => {
      if (method === 'GET') return new Response(json, { headers });
      if (method === 'HEAD') return new Response(null, { headers });
      return new Response(null, { status: 405, headers: { allow: 'GET, HEAD' } });
    },
  });
}

/** What there is to tell: RFC 9728 §3.2 leaves lists without elements out. */
function told(members: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.freeze(
    Object.fromEntries(
      Object.entries(members).flatMap(([name, value]) => {
        if (value === undefined || (Array.isArray(value) && value.length === 0)) return [];
        return [[name, Array.isArray(value) ? Object.freeze([...value]) : value]];
      }),
    ),
  );
}

function assertHttps(option: string, value: unknown): asserts value is string {
  const isUrl = typeof value === 'string' && /^https:\/\/[^\s"\\#]+$/.test(value);
  assertConfiguration(
    isUrl && parseUrl(value)?.username === '',
    `${NAME}: ${option} must be https URLs without fragment, for example "https://api.example.com".`,
  );
}
