import { type ChallengeOptions, challengeParams } from '../engine/challenge.ts';
import type { Authentication, CertificateFacts, ClientCertificate } from '../engine/facts.ts';
import {
  type Deny,
  type NoFacts,
  type Outcome,
  type Pass,
  pass,
  sharedDenial,
  withCause,
} from '../engine/outcome.ts';
import { definePolicy, type Policy } from '../engine/policy.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { beginningOf, equalInConstantTime, sha256 } from '../lib/hash.ts';
import { isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { member } from '../lib/strict-json.ts';

export type { ChallengeOptions };

/** Options of {@link requireCertificateBinding}. */
export interface RequireCertificateBindingOptions extends ChallengeOptions {
  /** Denies tokens that are bound to no certificate, and credentials that are no tokens. Default: false. */
  readonly required?: boolean | undefined;
  /**
   * Counts a certificate that nobody vouches for as well, for clients that have registered their own (RFC 8705 §2.2):
   * who holds its key is the caller that the token was issued to. The server must ask for certificates and let others
   * connect: `requestCert: true, rejectUnauthorized: false`. On Express, Fastify, and Hono on Node. Default: false.
   */
  readonly selfSigned?: boolean | undefined;
}

const NAME = 'requireCertificateBinding';

const details = {
  'certificate.missing': 'The access token is bound to a client certificate, and none was shown.',
  'certificate.mismatch': 'The access token is bound to another client certificate.',
  'certificate.token_unbound': 'The access token is not bound to a client certificate.',
} as const;

/**
 * Denies a token that is bound to a client certificate (`cnf`, `x5t#S256`; RFC 8705 §3) unless the call came
 * over a connection whose caller holds that certificate. Tokens without such a binding pass, unless
 * `required`. The adapter supplies the certificate; where it supplies none, bound tokens are denied.
 *
 * When a certificate ends is a matter of TLS; here it only has to be the same one.
 *
 * Denies with `certificate.missing`, `certificate.mismatch` and `certificate.token_unbound` (401,
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
  assertKnownOptions(NAME, options, ['realm', 'resourceMetadata', 'required', 'selfSigned']);
  const { required = false, selfSigned = false } = options;
  assertConfiguration(typeof required === 'boolean', `${NAME}: required must be true or false.`);
  assertConfiguration(
    typeof selfSigned === 'boolean',
    `${NAME}: selfSigned must be true or false.`,
  );
  const common = challengeParams(NAME, options);
  /** `cause` says to operators what was expected and what came; never more than the beginning of a thumbprint. */
  const denial = (
    code: keyof typeof details,
    { scheme }: Authentication,
    cause: { readonly expected: object; readonly given: object | string },
  ): Deny => {
    const detail = details[code];
    const params = { ...common, error: 'invalid_token', error_description: detail };
    const challenges = [{ scheme: scheme === '' ? 'Bearer' : scheme, params }];
    const denied = sharedDenial(
      { kind: 'unauthenticated', code, detail, challenges },
      { conclusive: true },
    );
    return withCause(denied, cause);
  };
  return definePolicy<
    { readonly authentication: Authentication } & CertificateFacts,
    NoFacts,
    'check'
  >({
    name: NAME,
    role: 'check',
    needs: ['authentication'],
    adds: [],
    check: (_request, { authentication, certificate: verified, unverifiedCertificate }) => {
      const certificate = verified ?? (selfSigned ? unverifiedCertificate : undefined);
      const { confirmation } = authentication;
      const bound = confirmation && member(confirmation, 'x5t#S256');
      if (bound === undefined) {
        const cause = {
          expected: { cnf: ['x5t#S256'] },
          given: { cnf: Object.keys(confirmation ?? {}) },
        };
        return required ? denial('certificate.token_unbound', authentication, cause) : pass();
      }
      const expected = { 'x5t#S256': beginningOf(bound) };
      if (certificate === undefined) {
        const given = unverifiedCertificate === undefined ? 'no certificate' : UNVERIFIED;
        return denial('certificate.missing', authentication, { expected, given });
      }
      const compare = (shown: string): Outcome =>
        typeof bound === 'string' && equalInConstantTime(shown, bound)
          ? PROVED
          : denial('certificate.mismatch', authentication, {
              expected,
              given: { 'x5t#S256': beginningOf(shown) },
            });
      const shown = thumbprintOf(certificate);
      return isThenable(shown) ? shown.then(compare) : compare(shown);
    },
  });
}

const UNVERIFIED = 'a certificate that nobody vouches for (option selfSigned)';

const PROVED: Pass<NoFacts> = Object.freeze({
  ok: true,
  meets: Object.freeze(['cnf.x5t#S256']),
});

/** Hosts supply one object for each connection, so it is hashed once. */
const thumbprints = new WeakMap<ClientCertificate, string>();

function thumbprintOf(certificate: ClientCertificate): MaybePromise<string> {
  const known = thumbprints.get(certificate);
  if (known !== undefined) return known;
  return sha256(certificate.raw).then((thumbprint) => {
    thumbprints.set(certificate, thumbprint);
    return thumbprint;
  });
}
