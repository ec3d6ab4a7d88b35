import { assertConfiguration } from '../configuration-error.ts';
import type { Authentication, CertificateFacts, ClientCertificate } from '../facts.ts';
import { equalInConstantTime } from '../internal/equal-in-constant-time.ts';
import { isThenable, type MaybePromise } from '../internal/maybe-promise.ts';
import { sha256 } from '../internal/sha256.ts';
import { sharedRefusal } from '../internal/shared-refusal.ts';
import { member } from '../internal/text/strict-json.ts';
import { type ChallengeOptions, challengeParams } from '../internal/tokens/token-refusals.ts';
import { type Deny, type NoFacts, type Outcome, type Pass, pass } from '../outcome.ts';
import { definePolicy, type Policy } from '../policy.ts';

export type { ChallengeOptions };

/** Options of {@link requireCertificateBinding}. */
export interface RequireCertificateBindingOptions extends ChallengeOptions {
  /** Refuses tokens that are bound to no certificate, and credentials that are no tokens. Default: false. */
  readonly required?: boolean | undefined;
}

const NAME = 'requireCertificateBinding';

const details = {
  'certificate.missing': 'The access token is bound to a client certificate, and none was shown.',
  'certificate.mismatch': 'The access token is bound to another client certificate.',
  'certificate.token_unbound': 'The access token is not bound to a client certificate.',
} as const;

/**
 * Refuses a token that is bound to a client certificate (`cnf`, `x5t#S256`; RFC 8705 §3) unless the call came
 * over a connection whose caller holds that certificate. Tokens without such a binding pass, unless
 * `required`. The adapter attests the certificate; where it attests none, bound tokens are refused.
 *
 * When a certificate ends is a matter of TLS; here it only has to be the same one.
 *
 * Refuses with `certificate.missing`, `certificate.mismatch` and `certificate.token_unbound` (401,
 * `error="invalid_token"` in the scheme of the token).
 *
 * @throws ConfigurationError when realm or metadata URL cannot stand in a challenge.
 * @example
 * const orders = guard<HttpFacts & CertificateFacts>()
 *   .use(authenticateJwt({ issuer, audience }))
 *   .use(requireCertificateBinding({ required: true }))
 *   .use(requireScopes('orders:read'));
 */
export function requireCertificateBinding(
  options: RequireCertificateBindingOptions = {},
): Policy<{ readonly authentication: Authentication } & CertificateFacts, NoFacts, 'check'> {
  const { required = false } = options;
  assertConfiguration(typeof required === 'boolean', `${NAME}: required must be true or false.`);
  const common = challengeParams(NAME, options);
  const refusal = (code: keyof typeof details, { scheme }: Authentication): Deny => {
    const detail = details[code];
    const params = { ...common, error: 'invalid_token', error_description: detail };
    const challenges = [{ scheme: scheme === '' ? 'Bearer' : scheme, params }];
    return sharedRefusal(
      { kind: 'unauthenticated', code, detail, challenges },
      { conclusive: true },
    );
  };
  return definePolicy<
    { readonly authentication: Authentication } & CertificateFacts,
    NoFacts,
    'check'
  >({
    name: NAME,
    role: 'check',
    check: (_request, { authentication, certificate }) => {
      const { confirmation } = authentication;
      const bound = confirmation && member(confirmation, 'x5t#S256');
      if (bound === undefined) {
        return required ? refusal('certificate.token_unbound', authentication) : pass();
      }
      if (certificate === undefined) return refusal('certificate.missing', authentication);
      const compare = (shown: string): Outcome =>
        typeof bound === 'string' && equalInConstantTime(shown, bound)
          ? PROVED
          : refusal('certificate.mismatch', authentication);
      const shown = thumbprintOf(certificate);
      return isThenable(shown) ? shown.then(compare) : compare(shown);
    },
  });
}

const PROVED: Pass<NoFacts> = Object.freeze({
  ok: true,
  meets: Object.freeze(['cnf.x5t#S256']),
});

/** Hosts attest one object for each connection, so it is hashed once. */
const thumbprints = new WeakMap<ClientCertificate, string>();

function thumbprintOf(certificate: ClientCertificate): MaybePromise<string> {
  const known = thumbprints.get(certificate);
  if (known !== undefined) return known;
  return sha256(certificate.raw).then((thumbprint) => {
    thumbprints.set(certificate, thumbprint);
    return thumbprint;
  });
}
