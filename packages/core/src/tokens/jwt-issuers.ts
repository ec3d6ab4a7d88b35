import { asymmetricAlgorithms, isAlgorithm, isSymmetric } from '../crypto/jws-algorithms.ts';
import type { JwsAlgorithm, KeySource } from '../crypto/key-source.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import { assertKnownOptions } from '../lib/options.ts';
import {
  CLAIM_OPTIONS,
  type ClaimOptions,
  type ClaimRules,
  claimRules,
  type RecipientClaim,
} from './claim-rules.ts';
import { type ClaimPath, isClaimPath } from './jwt-claims.ts';

/** What is bound to an issuer, beside whom its tokens are for. */
export interface IssuerOptions extends Omit<ClaimOptions, 'recipient'> {
  /** The `iss` of its tokens, compared character by character. */
  readonly issuer: string;
  /** Its keys. Default: `discoverIssuer(issuer)`. */
  readonly keys?: KeySource | undefined;
  /**
   * Discovers the keys over `http:` too where the issuer is this machine (`localhost`, `127.0.0.1`, `[::1]`): for a
   * provider that runs beside the API while you develop. Keys of your own (`keys`) have an option of that name.
   * Default: false.
   */
  readonly insecureLoopback?: boolean | undefined;
  /**
   * The algorithms it may sign with. Default: every asymmetric one but ML-DSA, which not every runtime has (Node has it
   * from 24 on) and which denies each token where it is missing. Shared secrets (`HS*`) only where they are listed here
   * and `keys` is a `localJwks` of secrets.
   */
  readonly algorithms?: readonly JwsAlgorithm[] | undefined;
  /** The tenant that all its tokens belong to, or the claim that names it. */
  readonly tenant?: string | { readonly claim: ClaimPath } | undefined;
}

/** Whom the tokens are for. One of the two must be said, or tokens that were made for others would be taken. */
export type TokenRecipient =
  | {
      /** What this API is called in `aud`; a token for none of these is denied. */
      readonly audience: string | readonly string[];
      readonly recipient?: RecipientClaim | undefined;
    }
  | {
      readonly audience?: string | readonly string[] | undefined;
      /** The claim that stands in where `aud` is missing or empty. */
      readonly recipient: RecipientClaim;
    };

/** An issuer whose access tokens are taken, with everything that is bound to it. */
export type TrustedIssuer = IssuerOptions & TokenRecipient;

/** One issuer, or several. */
export type TrustedIssuers = {
  readonly [Name in keyof TrustedIssuer]?: TrustedIssuer[Name] | undefined;
} & {
  readonly issuers?: TenantIssuers | readonly (TrustedIssuer | TenantIssuers)[] | undefined;
};

/** Issuers that come at run time; made by `tenantIssuers`. */
export interface TenantIssuers {
  readonly kind: 'tenantIssuers';
  /** For the policy: begins with nobody known. */
  readonly open: (make: MakeRules) => IssuerLookup;
}

function isTenantIssuers(value: TrustedIssuer | TenantIssuers): value is TenantIssuers {
  return 'kind' in value && value.kind === 'tenantIssuers';
}

/** A trusted issuer, checked and made ready. */
export interface IssuerRules {
  readonly issuer: string;
  readonly audiences: ReadonlySet<string>;
  readonly keys: KeySource;
  readonly allows: (algorithm: string) => algorithm is JwsAlgorithm;
  readonly algorithms: readonly JwsAlgorithm[];
  readonly claims: ClaimRules;
  readonly tenant: string | undefined;
  readonly tenantClaim: ClaimPath | undefined;
}

/** Finds the rules of the issuer that a token names, before anything of it was verified. */
export interface IssuerLookup {
  /** The rules; undefined for a stranger. Throws or rejects where that cannot be known at the moment. */
  readonly find: (issuer: string, claims: object) => MaybePromise<IssuerRules | undefined>;
  /** Called when a token of that issuer was verified. */
  readonly confirm?: ((issuer: string) => void) | undefined;
  /** What `typ` may say under any of their profiles, in lower case. */
  readonly types: ReadonlySet<string | undefined>;
  /** Which issuers are trusted, for operators. */
  readonly expected: readonly string[];
}

/** What must be said for each issuer where there are several. */
const PER_ISSUER = [
  'issuer',
  'audience',
  'keys',
  'insecureLoopback',
  'algorithms',
  'tenant',
  'recipient',
] as const;

/** Everything that can be said of one issuer. */
export const ISSUER_OPTIONS: readonly string[] = [...new Set([...PER_ISSUER, ...CLAIM_OPTIONS])];

/** Finds the keys of an issuer that are not given. */
type DiscoverKeys = (issuer: string, insecureLoopback: boolean) => KeySource;

/** Makes the rules of one issuer from what the user says of it. */
export type MakeRules = (trusted: TrustedIssuer) => IssuerRules;

/**
 * The rules of issuers: of those that are listed, and of those that come at run time.
 *
 * @throws ConfigurationError
 */
export function issuerLookup(
  policy: string,
  options: TrustedIssuers,
  discover: DiscoverKeys,
): IssuerLookup {
  const { issuers } = options;
  assertConfiguration(
    issuers === undefined || PER_ISSUER.every((name) => options[name] === undefined),
    `${policy}: with issuers, say ${PER_ISSUER.join(', ')} in each of them.`,
  );
  const defaults: Record<string, unknown> = {};
  for (const name of CLAIM_OPTIONS) {
    if (name !== 'recipient' && options[name] !== undefined) defaults[name] = options[name];
  }
  const make: MakeRules = (trusted) =>
    rulesOf(policy, issuers === undefined ? trusted : { ...defaults, ...trusted }, discover);
  // Without a list the options are themselves those of the one issuer.
  const listed = issuers === undefined ? [options as TrustedIssuer] : [issuers].flat();
  assertConfiguration(listed.length > 0, `${policy}: issuers must not be empty.`);
  const rules = new Map<string, IssuerRules>();
  const lookups: IssuerLookup[] = [];
  for (const each of listed) {
    if (isTenantIssuers(each)) lookups.push(each.open(make));
    else {
      if (issuers !== undefined) assertKnownOptions(`${policy}: issuers`, each, ISSUER_OPTIONS);
      const made = make(each);
      assertConfiguration(
        !rules.has(made.issuer),
        `${policy}: issuer ${made.issuer} is listed twice.`,
      );
      rules.set(made.issuer, made);
    }
  }
  const expected = [...rules.keys(), ...lookups.flatMap((lookup) => lookup.expected)];
  const types = new Set([
    ...[...rules.values()].flatMap(({ claims }) => claims.profile.types),
    ...lookups.flatMap((lookup) => [...lookup.types]),
  ]);
  return {
    expected,
    types,
    find: (issuer, claims) => rules.get(issuer) ?? findIn(lookups, 0, issuer, claims),
    confirm: (issuer) => {
      for (const { confirm } of lookups) confirm?.(issuer);
    },
  };
}

function findIn(
  lookups: readonly IssuerLookup[],
  index: number,
  issuer: string,
  claims: object,
): MaybePromise<IssuerRules | undefined> {
  const lookup = lookups[index];
  if (lookup === undefined) return undefined;
  const found = lookup.find(issuer, claims);
  return isThenable(found)
    ? found.then((late) => late ?? findIn(lookups, index + 1, issuer, claims))
    : (found ?? findIn(lookups, index + 1, issuer, claims));
}

function rulesOf(policy: string, trusted: TrustedIssuer, discover: DiscoverKeys): IssuerRules {
  const { issuer, audience, keys, algorithms = asymmetricAlgorithms, tenant, recipient } = trusted;
  assertConfiguration(
    typeof issuer === 'string' && issuer !== '',
    `${policy}: issuer must be the "iss" of its tokens.`,
  );
  const audiences = typeof audience === 'string' ? [audience] : (audience ?? []);
  assertConfiguration(
    Array.isArray(audiences) &&
      (audiences.length > 0 || (audience === undefined && recipient !== undefined)) &&
      audiences.every((each) => typeof each === 'string' && each !== ''),
    `${policy}: name this API as audience, or tokens made for other APIs would be accepted.`,
  );
  assertConfiguration(
    tenant === undefined || (typeof tenant === 'object' ? isClaimPath(tenant.claim) : tenant),
    `${policy}: tenant must be a name or a claim, like { claim: 'tid' }.`,
  );
  const source = keys ?? discover(issuer, trusted.insecureLoopback === true);
  assertConfiguration(
    typeof source.find === 'function' && typeof source.current === 'function',
    `${policy}: keys must come from localJwks(), remoteJwks() or discoverIssuer().`,
  );
  assertAlgorithms(policy, algorithms, source);
  const allowed: ReadonlySet<string> = new Set(algorithms);
  return {
    issuer,
    audiences: new Set(audiences),
    keys: source,
    algorithms,
    allows: (algorithm): algorithm is JwsAlgorithm => allowed.has(algorithm),
    tenant: typeof tenant === 'string' ? tenant : undefined,
    tenantClaim: typeof tenant === 'object' ? tenant.claim : undefined,
    claims: claimRules(policy, trusted),
  };
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
    `${policy}: HS* algorithms go with a localJwks() of shared secrets, all others with public keys.`,
  );
}
