import type { KeySource } from '../../crypto/key-source.ts';
import { assertKnownOptions } from '../../lib/options.ts';
import type { TrustedIssuer } from '../jwt-issuers.ts';
import { addressOption } from './provider.ts';

/** Options of {@link kubernetes}. */
export interface KubernetesOptions {
  /** The cluster, as `--service-account-issuer` names it. */
  readonly issuer: string;
  /** What this API is called in `aud`. */
  readonly audience: string | readonly string[];
  /** Its keys. Default: discovered from the issuer. */
  readonly keys?: KeySource | undefined;
  /** The namespaces whose accounts may call. Default: all. */
  readonly namespaces?: readonly string[] | undefined;
}

/**
 * The projected tokens of Kubernetes service accounts.
 *
 * They are typed nothing; `aud` is what the pod's volume asks for, so ask for this API there and not for the cluster's
 * own. The namespace is the tenant.
 *
 * @throws ConfigurationError for an issuer that is not https.
 * @example
 * authenticateJwt(
 *   kubernetes({
 *     issuer: 'https://cluster.example.com',
 *     audience: 'orders',
 *     keys: remoteJwks('https://cluster.example.com/openid/v1/jwks'),
 *   }),
 * )
 */
export function kubernetes(options: KubernetesOptions): TrustedIssuer {
  assertKnownOptions('kubernetes', options, ['issuer', 'audience', 'keys', 'namespaces']);
  const { audience, keys, namespaces } = options;
  const namespace = ['kubernetes.io', 'namespace'];
  return {
    issuer: addressOption('kubernetes', 'issuer', options.issuer),
    audience,
    keys,
    profile: 'jwt',
    accessTokenSigns: [{ claim: ['kubernetes.io', 'serviceaccount', 'name'] }],
    ...(namespaces && { requiredClaims: [{ claim: namespace, is: namespaces }] }),
    tenant: { claim: namespace },
    scopes: [],
    roles: [],
  };
}
