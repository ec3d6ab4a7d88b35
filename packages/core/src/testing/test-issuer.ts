import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { asymmetricAlgorithms } from '../crypto/jws-algorithms.ts';
import type { JwsAlgorithm, KeySource } from '../crypto/key-source.ts';
import { type JwksDocument, localJwks } from '../crypto/local-jwks.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { assertKnownOptions, assertOneOf } from '../lib/options.ts';

/** Options of {@link testIssuer}. */
export interface TestIssuerOptions {
  /** What it calls itself in tokens and metadata. Default: `https://issuer.test`. */
  readonly issuer?: string | undefined;
  /** The API that its tokens are for. Default: `https://api.test`. */
  readonly audience?: string | undefined;
  /** What it signs with: any but `HS*`. Default: `ES256`. */
  readonly algorithm?: JwsAlgorithm | undefined;
  /** Epoch milliseconds, for `iat` and `exp`; see `testClock`. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** How a token differs from an honest one, beside its claims. */
export interface TestTokenOptions {
  /** When it expires, from now on. Default: `5m`. */
  readonly expiresIn?: Duration | undefined;
  /** Its `typ`; `undefined` written out leaves it out. Default: `at+jwt` (RFC 9068). */
  readonly typ?: string | undefined;
  /** `forged`: signed with a key that nobody publishes, under the id of the published one. Default: `own`. */
  readonly key?: 'own' | 'forged' | undefined;
}

/** What {@link testIssuer} gives. */
export interface TestIssuer {
  readonly issuer: string;
  readonly audience: string;
  /** Its keys, for `authenticateJwt`: nothing is fetched. */
  readonly keys: KeySource;
  /** `issuer`, `audience`, `keys` and, where it was given, `now`: `authenticateJwt({ ...issuer.trust })`. */
  readonly trust: {
    readonly issuer: string;
    readonly audience: string;
    readonly keys: KeySource;
    readonly now?: () => number;
  };
  /**
   * Serves its metadata and keys: as a handler of a server (`(request) => Response`), and in place of `fetch` in
   * `discoverIssuer` and `remoteJwks`. Anything else is 404.
   */
  readonly fetch: (
    input: string | URL | { readonly url: string },
    init?: unknown,
  ) => Promise<Response>;
  /** What it publishes. */
  readonly jwks: () => Promise<JwksDocument>;
  /** An access token with these claims in place of the usual ones; one that is `undefined` is left out. */
  readonly token: (
    claims?: Readonly<Record<string, unknown>>,
    options?: TestTokenOptions,
  ) => Promise<string>;
}

const NAME = 'testIssuer';
const OPTIONS: readonly (keyof TestIssuerOptions)[] = ['issuer', 'audience', 'algorithm', 'now'];
const TOKEN_OPTIONS: readonly (keyof TestTokenOptions)[] = ['expiresIn', 'typ', 'key'];

/**
 * An issuer of access tokens for tests and first steps: its keys are made for this process alone and are never written
 * anywhere. Works in every test runner, since nothing has to be started or stopped. Not for production: whoever holds
 * it can be anybody.
 *
 * A token has `iss`, `aud`, `sub` (`alice`), `client_id` (`test-client`), `jti`, `iat` and `exp`.
 *
 * @throws ConfigurationError for a name that is not a URL, an algorithm of shared secrets, or an unknown option.
 * @example
 * const issuer = testIssuer();
 * const orders = guard().use(authenticateJwt(issuer.trust)).use(requireScopes('orders:read'));
 * const token = await issuer.token({ scope: 'orders:read' });
 * const forged = await issuer.token({ scope: 'orders:read' }, { key: 'forged' });
 * @example
 * const keys = discoverIssuer(issuer.issuer, { fetch: issuer.fetch });
 */
export function testIssuer(options: TestIssuerOptions = {}): TestIssuer {
  assertKnownOptions(NAME, options, OPTIONS);
  const { issuer = 'https://issuer.test', audience = 'https://api.test' } = options;
  const { algorithm = 'ES256', now } = options;
  assertConfiguration(URL.canParse(issuer), `${NAME}: issuer must be a URL.`);
  assertOneOf(NAME, 'algorithm', algorithm, asymmetricAlgorithms);
  const own = once(() => makeKey(algorithm));
  const stranger = once(() => makeKey(algorithm));
  const jwks = async (): Promise<JwksDocument> => (await own()).jwks;

  let ready: KeySource | undefined;
  const keys: KeySource = Object.freeze({
    symmetric: false,
    current: () => ready?.current(),
    find: (hint) =>
      ready?.find(hint) ??
      jwks().then((document) => {
        ready ??= localJwks(document);
        return ready.find(hint);
      }),
  } satisfies KeySource);

  const base = issuer.replace(/\/$/, '');
  const { origin, pathname } = new URL(base);
  const path = pathname === '/' ? '' : pathname;
  const metadata = JSON.stringify({ issuer, jwks_uri: `${base}/jwks` });
  const documents = new Map<string, () => string | Promise<string>>([
    [`${origin}/.well-known/oauth-authorization-server${path}`, () => metadata],
    [`${base}/.well-known/openid-configuration`, () => metadata],
    [`${base}/jwks`, async () => JSON.stringify(await jwks())],
  ]);

  return Object.freeze<TestIssuer>({
    issuer,
    audience,
    keys,
    trust: Object.freeze({ issuer, audience, keys, ...(now && { now }) }),
    fetch: async (input) => {
      const url = new URL(typeof input === 'object' && 'url' in input ? input.url : input);
      // By path alone: as a handler it is reached under the address of its server.
      const document = documents.get(`${origin}${url.pathname}`);
      if (document === undefined) return new Response(null, { status: 404 });
      const headers = { 'content-type': 'application/json' };
      return new Response(await document(), { headers });
    },
    jwks,
    token: async (claims = {}, how = {}) => {
      assertKnownOptions(`${NAME}.token`, how, TOKEN_OPTIONS);
      const { expiresIn = '5m', key = 'own' } = how;
      const lifetime = durationMs(`${NAME}.token`, 'expiresIn', expiresIn, { min: '0ms' });
      assertOneOf(`${NAME}.token`, 'key', key, ['own', 'forged']);
      const { privateKey } = await (key === 'own' ? own() : stranger());
      const typ = 'typ' in how ? how.typ : 'at+jwt';
      const at = Math.floor((now ?? Date.now)() / 1_000);
      const content = {
        iss: issuer,
        aud: audience,
        sub: 'alice',
        client_id: 'test-client',
        jti: crypto.randomUUID(),
        iat: at,
        exp: at + Math.ceil(lifetime / 1_000),
        ...claims,
      };
      return new SignJWT(content)
        .setProtectedHeader({ alg: algorithm, kid: KID, ...(typ !== undefined && { typ }) })
        .sign(privateKey);
    },
  });
}

const KID = 'test-key';

interface TestKey {
  readonly privateKey: CryptoKey;
  readonly jwks: JwksDocument;
}

async function makeKey(alg: JwsAlgorithm): Promise<TestKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: KID, alg, use: 'sig' };
  return { privateKey, jwks: Object.freeze({ keys: Object.freeze([Object.freeze(jwk)]) }) };
}

/** Made when it is asked for, and then kept. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
