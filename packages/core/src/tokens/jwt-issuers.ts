import { asymmetricAlgorithms, isAlgorithm, isSymmetric } from '../crypto/jws-algorithms.ts';
import type { JwsAlgorithm, KeySource } from '../crypto/key-source.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type ClaimPath, isClaimPath } from './jwt-claims.ts';

/** An issuer whose access tokens are taken, with everything that is bound to it. */
export interface TrustedIssuer {
  /** The `iss` of its tokens, compared character by character. */
  readonly issuer: string;
  /** What this API is called in `aud`; a token for none of these is denied. */
  readonly audience: string | readonly string[];
  /** Its keys. Default: `discoverIssuer(issuer)`. */
  readonly keys?: KeySource | undefined;
  /**
   * The algorithms it may sign with. Default: every asymmetric one. Shared secrets (`HS*`) only where they
   * are listed here and `keys` is a `localJwks` of secrets.
   */
  readonly algorithms?: readonly JwsAlgorithm[] | undefined;
  /** The tenant that all its tokens belong to, or the claim that names it. */
  readonly tenant?: string | { readonly claim: ClaimPath } | undefined;
}

/** One issuer, or several. */
export type TrustedIssuers = {
  readonly [Name in keyof TrustedIssuer]?: TrustedIssuer[Name] | undefined;
} & { readonly issuers?: readonly TrustedIssuer[] | undefined };

/** A trusted issuer, checked and made ready. */
export interface IssuerRules {
  readonly issuer: string;
  readonly audiences: ReadonlySet<string>;
  readonly keys: KeySource;
  readonly allows: (algorithm: string) => algorithm is JwsAlgorithm;
  readonly tenant: string | undefined;
  readonly tenantClaim: ClaimPath | undefined;
}

/** What must be said for each issuer where there are several. */
const PER_ISSUER = ['issuer', 'audience', 'keys', 'algorithms', 'tenant'] as const;

/**
 * The rules of each issuer by its name.
 *
 * @throws ConfigurationError
 */
export function issuerRules(
  policy: string,
  options: TrustedIssuers,
  discover: (issuer: string) => KeySource,
): ReadonlyMap<string, IssuerRules> {
  const { issuers } = options;
  const rules = new Map<string, IssuerRules>();
  assertConfiguration(
    issuers === undefined || PER_ISSUER.every((name) => options[name] === undefined),
    `${policy}: with issuers, say ${PER_ISSUER.join(', ')} in each of them.`,
  );
  // Without a list the options are themselves those of the one issuer, and checked below.
  const trusted = issuers ?? [options as TrustedIssuer];
  assertConfiguration(trusted.length > 0, `${policy}: issuers must not be empty.`);
  for (const { issuer, audience, keys, algorithms = asymmetricAlgorithms, tenant } of trusted) {
    assertConfiguration(
      typeof issuer === 'string' && issuer !== '',
      `${policy}: issuer must be the "iss" of its tokens.`,
    );
    assertConfiguration(!rules.has(issuer), `${policy}: issuer ${issuer} is there twice.`);
    const audiences = typeof audience === 'string' ? [audience] : audience;
    assertConfiguration(
      Array.isArray(audiences) &&
        audiences.length > 0 &&
        audiences.every((each) => typeof each === 'string' && each !== ''),
      `${policy}: name this API as audience, or tokens made for other APIs would be taken.`,
    );
    assertConfiguration(
      tenant === undefined || (typeof tenant === 'object' ? isClaimPath(tenant.claim) : tenant),
      `${policy}: tenant must be a name or a claim, like { claim: 'tid' }.`,
    );
    const source = keys ?? discover(issuer);
    assertConfiguration(
      typeof source.find === 'function' && typeof source.current === 'function',
      `${policy}: keys must come from localJwks(), remoteJwks() or discoverIssuer().`,
    );
    assertAlgorithms(policy, algorithms, source);
    const allowed: ReadonlySet<string> = new Set(algorithms);
    rules.set(issuer, {
      issuer,
      audiences: new Set(audiences),
      keys: source,
      allows: (algorithm): algorithm is JwsAlgorithm => allowed.has(algorithm),
      tenant: typeof tenant === 'string' ? tenant : undefined,
      tenantClaim: typeof tenant === 'object' ? tenant.claim : undefined,
    });
  }
  return rules;
}

function assertAlgorithms(
  policy: string,
  algorithms: readonly JwsAlgorithm[],
  { symmetric }: KeySource,
): void {
  assertConfiguration(
    Array.isArray(algorithms) && algorithms.length > 0 && algorithms.every(isAlgorithm),
    `${policy}: algorithms must list supported ones, like ["ES256", "EdDSA"].`,
  );
  // One set of keys for both would let a public key be used as a secret (RFC 8725 §2.1).
  assertConfiguration(
    algorithms.every((algorithm) => isSymmetric(algorithm) === symmetric),
    `${policy}: algorithms: HS* go with a localJwks() of shared secrets, all others with public keys.`,
  );
}
