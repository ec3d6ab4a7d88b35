import { parseCompactJws } from '../crypto/compact-jws.ts';
import { asymmetricAlgorithms, isAlgorithm } from '../crypto/jws-algorithms.ts';
import type { KeySource, SignatureVerifier } from '../crypto/key-source.ts';
import { signatureCheck } from '../crypto/signature-check.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { boundedFetcher, type FetchOptions, urlProblem } from '../lib/fetch-json.ts';
import { isObject, member, parseStrictObject } from '../lib/strict-json.ts';
import { type ClientAuthentication, clientAuthentication } from './client-authentication.ts';
import { audiencesOf, dateClaim, INVALID } from './jwt-claims.ts';

/** Where tokens are asked about, and how. */
export interface EndpointOptions extends FetchOptions {
  readonly issuer: string;
  readonly endpoint: string;
  readonly client: ClientAuthentication;
  readonly accept: 'json' | 'jwt';
  /** For signed answers: by which names they may be addressed to this API. */
  readonly recipients: ReadonlySet<string>;
  /** For signed answers: the keys of the issuer. */
  readonly keys?: KeySource | undefined;
  readonly verifier: SignatureVerifier;
  /** Milliseconds. */
  readonly tolerance: number;
  readonly now: () => number;
}

/** What the issuer says of a token. `unreachable`: it said nothing at all; `isBroken`: since the connection broke. */
export type Introspection =
  | { readonly kind: 'active'; readonly claims: Claims; readonly bytes: number }
  | { readonly kind: 'inactive' }
  | {
      readonly kind: 'failed';
      readonly unreachable: boolean;
      readonly isBroken: boolean;
      readonly cause: Error;
    };

type Claims = Readonly<Record<string, unknown>>;

const TYPE = { json: 'application/json', jwt: 'application/token-introspection+jwt' } as const;
/** A signed answer is made for the question: an older one was kept by somebody. Milliseconds. */
const OLDEST_ANSWER = 60_000;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Asks an issuer about tokens (RFC 7662 §2; with `jwt` the answer is signed, RFC 9701). Never rejects; only
 * `active: true` is active, and an answer that is none is a fault of the issuer.
 *
 * @throws ConfigurationError when the endpoint is not https, or something that is needed is missing.
 */
export function introspectionEndpoint(
  policy: string,
  options: EndpointOptions,
): (token: string, call?: object) => Promise<Introspection> {
  const { issuer, endpoint, accept, insecureLoopback = false, now } = options;
  const problem = urlProblem(endpoint, insecureLoopback);
  assertConfiguration(
    problem === undefined,
    `${policy}: endpoint ${endpoint} cannot be used: ${problem}.`,
  );
  const authenticate = clientAuthentication(policy, options.client, issuer, now);
  assertConfiguration(
    options.client.method !== 'tls_client_auth' || options.fetch !== undefined,
    `${policy}: tls_client_auth needs a fetch that shows the certificate.`,
  );
  const fetchBounded = boundedFetcher(policy, options);
  const read = accept === 'jwt' ? signedReader(policy, options) : readPlain;

  const ask = async (token: string, call?: object): Promise<Introspection> => {
    const { headers, params } = await authenticate();
    const form = new URLSearchParams({ token, token_type_hint: 'access_token', ...params });
    let response: Awaited<ReturnType<typeof fetchBounded>>;
    try {
      response = await fetchBounded(endpoint, {
        method: 'POST',
        headers: {
          ...headers,
          accept: TYPE[accept],
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: form.toString(),
      });
    } catch (cause) {
      return failed(`${endpoint} did not answer`, true, cause);
    }
    const { status, contentType, body } = response;
    if (status !== 200) return failed(`${endpoint} answered ${status}`);
    if (body === undefined) return failed(`${endpoint} answered more bytes than allowed`);
    const [type = ''] = contentType.split(';', 1);
    if (type.trim().toLowerCase() !== TYPE[accept]) {
      return failed(`${endpoint} answered another type than ${TYPE[accept]}`);
    }
    const claims = await read(body, call);
    if (typeof claims === 'string') return failed(`${endpoint} answered ${claims}`);
    const active = member(claims, 'active');
    if (active === true) return { kind: 'active', claims, bytes: body.length };
    return active === false ? INACTIVE : failed(`${endpoint} answered without "active"`);
  };
  return (token, call) =>
    ask(token, call).catch((cause: unknown) =>
      failed('the question could not be made', false, cause),
    );
}

const INACTIVE: Introspection = Object.freeze({ kind: 'inactive' });

/** For logs only. Nothing here holds the token, which a fetch of the user's might put into its errors. */
function failed(message: string, unreachable = false, cause?: unknown): Introspection {
  const name = cause instanceof Error ? `: ${cause.name}` : '';
  // Fetch says so where the connection broke; a time that has run out is not worth another one.
  const isBroken = cause instanceof TypeError;
  return { kind: 'failed', unreachable, isBroken, cause: new Error(`${message}${name}`) };
}

function readPlain(body: Uint8Array): Claims | string {
  return parseStrictObject(body) ?? 'no well-formed JSON object';
}

/** Reads signed answers (RFC 9701 §5), or says in words what is wrong with one. */
function signedReader(
  policy: string,
  { issuer, recipients, keys, verifier, tolerance, now }: EndpointOptions,
): (body: Uint8Array, call?: object) => Promise<Claims | string> {
  assertConfiguration(
    typeof keys?.find === 'function' && !keys.symmetric,
    `${policy}: signed answers need the public keys of the issuer: keys: discoverIssuer(issuer).`,
  );
  const isSigned = signatureCheck(verifier);
  return async (body, call) => {
    const jws = parseCompactJws(utf8.decode(body));
    const claims = jws && parseStrictObject(jws.payload);
    if (jws === undefined || claims === undefined) return 'no well-formed JWT';
    // Only this type, so that no other JWT of the issuer can stand in for an answer.
    const typ = jws.typ?.toLowerCase();
    if (typ !== 'token-introspection+jwt' && typ !== TYPE.jwt) return 'a JWT of another type';
    const { alg, kid } = jws;
    if (!isAlgorithm(alg) || !asymmetricAlgorithms.includes(alg)) return 'with a denied algorithm';
    const found = await keys.find({ alg, kid }, call);
    if (!found.ok) return 'a JWT without a usable key';
    if (!(await isSigned(jws, alg, found.keys))) return 'a JWT with an invalid signature';
    if (member(claims, 'iss') !== issuer) return 'for another issuer';
    const named = audiencesOf(claims);
    if (named === INVALID || !named.some((each) => recipients.has(each))) {
      return 'for another recipient';
    }
    const iat = dateClaim(claims, 'iat');
    const exp = dateClaim(claims, 'exp');
    const at = now();
    if (typeof iat !== 'number' || exp === INVALID) return 'without a usable "iat"';
    if (Math.abs(at - iat) > OLDEST_ANSWER + tolerance) return 'at another time';
    if (exp !== undefined && at >= exp + tolerance) return 'after its end';
    const introspection = member(claims, 'token_introspection');
    return isObject(introspection) ? introspection : 'without "token_introspection"';
  };
}
