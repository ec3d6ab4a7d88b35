import type { AuthenticatedFacts, CertificateContent, CertificateFacts } from '../engine/facts.ts';
import { type Deny, pass, sharedDenial, withCause } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import { principalId } from '../engine/principal-id.ts';
import { settingsOf } from '../engine/settings.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { frozenSet } from '../lib/freeze-deep.ts';
import { isThenable } from '../lib/maybe-promise.ts';
import { momentText } from '../lib/moment.ts';
import { assertKnownOptions } from '../lib/options.ts';
import {
  type CertificateIdentity,
  type CertificateProblem,
  identitiesOf,
  identityKinds,
  isTrustDomain,
} from './certificate-identity.ts';

export type { CertificateIdentity };

/** What the holder of a certificate may do. */
export interface CertificateRights {
  readonly scopes?: readonly string[] | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly tenant?: string | undefined;
}

/** Options of {@link authenticateCertificate}. */
export interface AuthenticateCertificateOptions {
  /**
   * Which name identifies the caller: a SPIFFE ID, a DNS name, URI or e-mail address of `subjectAltName`, or
   * the subject's distinguished name (RFC 4514).
   */
  readonly identity: CertificateIdentity;
  /** For `spiffe`, and needed there: the trust domains whose workloads may call. */
  readonly trustDomains?: readonly string[] | undefined;
  /**
   * What a caller may do; undefined for one that is not known, who is denied. Default: everybody whose
   * certificate your authorities have signed is known, and has no scopes and no roles.
   */
  readonly rights?: ((identity: string) => CertificateRights | undefined) | undefined;
  /** `principal.issuer`: your name for the authorities that TLS believes. Default: `mtls`. */
  readonly authority?: string | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const NAME = 'authenticateCertificate';

const details: Readonly<Record<CertificateProblem, string>> = {
  'certificate.missing': 'This operation needs a client certificate.',
  'certificate.unreadable': 'The client certificate cannot be read.',
  'certificate.expired': 'The client certificate has expired.',
  'certificate.not_yet_valid': 'The client certificate is not valid yet.',
  'certificate.identity_missing': 'The client certificate does not name its holder as needed.',
  'certificate.identity_ambiguous': 'The client certificate names more than one holder.',
  'certificate.identity_refused': 'The holder of the client certificate is not known here.',
};

/**
 * Finds out who calls by the client certificate that TLS has verified, and denies a call without one, or with
 * one that does not name exactly one known caller. Adds `principal` and `authentication`; admits nobody
 * by itself. The connection may outlive the certificate, so its time is checked on every call.
 *
 * The adapter supplies certificates and reads them; begin the guard with `guard<HttpFacts & CertificateFacts>()`.
 *
 * Denies with `certificate.missing` (401, another alternative of `anyOf` may save the call) and, for good, with
 * `certificate.unreadable`, `certificate.expired`, `certificate.not_yet_valid`,
 * `certificate.identity_missing`, `certificate.identity_ambiguous`, `certificate.identity_refused` (401).
 *
 * @throws ConfigurationError for an unknown kind of identity, or `spiffe` without trust domains.
 * @example
 * const orders = guard<HttpFacts & CertificateFacts>()
 *   .use(authenticateCertificate({
 *     identity: 'spiffe',
 *     trustDomains: ['prod.example.com'],
 *     rights: (id) => ({ scopes: id.endsWith('/checkout') ? ['orders:write'] : [] }),
 *   }))
 *   .use(requireScopes('orders:write'));
 */
export function authenticateCertificate(
  options: AuthenticateCertificateOptions,
): SyncPolicy<CertificateFacts, AuthenticatedFacts, 'check'> {
  assertKnownOptions(NAME, options, ['identity', 'trustDomains', 'rights', 'authority', 'now']);
  const { identity, rights, authority = 'mtls', now = () => Date.now() } = options;
  assertConfiguration(
    identityKinds.includes(identity),
    `${NAME}: identity must be 'spiffe', 'dns', 'uri', 'email' or 'subject'.`,
  );
  const { trustDomains = [] } = options;
  assertConfiguration(
    trustDomains.every(isTrustDomain) && (identity === 'spiffe') === trustDomains.length > 0,
    `${NAME}: identity: 'spiffe' needs trustDomains: ['prod.example.com'], and nothing else takes them.`,
  );
  assertConfiguration(
    rights === undefined || typeof rights === 'function',
    `${NAME}: rights must be a function of the identity.`,
  );
  assertConfiguration(
    typeof authority === 'string' && authority !== '',
    `${NAME}: authority must not be empty.`,
  );
  const denials = new Map(
    Object.entries(details).map(([code, detail]) => [code, denialOf(code, detail)] as const),
  );
  // Every problem is in the table.
  const deny = (problem: CertificateProblem, cause?: object): Deny => {
    const denied = denials.get(problem) as Deny;
    return cause === undefined ? denied : withCause(denied, cause);
  };
  const domains: ReadonlySet<string> = new Set(trustDomains);

  return definePolicy<CertificateFacts, AuthenticatedFacts, 'check'>({
    name: NAME,
    role: 'check',
    settings: settingsOf(options, ['identity', 'trustDomains']),
    needs: [],
    adds: ['principal', 'authentication'],
    check: (_request, { certificate }) => {
      if (certificate === undefined) return deny('certificate.missing');
      const { content } = certificate;
      if (content === undefined) return deny('certificate.unreadable');
      const time = now();
      // Not "later than": what is no date has ended.
      const { notBefore, notAfter, dns, uris, emails, subject: name } = content;
      const isOver = !(time <= notAfter);
      if (isOver || !(time >= notBefore)) {
        return deny(isOver ? 'certificate.expired' : 'certificate.not_yet_valid', {
          validFrom: momentText(notBefore),
          validUntil: momentText(notAfter),
          now: momentText(time),
        });
      }
      const named = identitiesOf(content, identity, domains);
      if (typeof named === 'string') {
        const expected = { identity, ...(identity === 'spiffe' && { trustDomains: [...domains] }) };
        return deny(named, { expected, given: { uris, dns, emails, subject: name } });
      }
      const known = named.flatMap((subject) => {
        const granted = rights === undefined ? {} : rights(subject);
        // Else a promise of nothing would make everybody known.
        if (isThenable(granted)) throw new TypeError(`${NAME}: rights must answer at once.`);
        return granted === undefined ? [] : [{ subject, granted }];
      });
      const [one, ...others] = known;
      if (one === undefined) return deny('certificate.identity_refused', { given: named });
      if (others.length > 0) {
        return deny('certificate.identity_ambiguous', {
          given: known.map(({ subject }) => subject),
        });
      }
      return pass(factsOf(one.subject, authority, one.granted, content));
    },
  });
}

function denialOf(code: string, detail: string): Deny {
  const conclusive = code !== 'certificate.missing';
  return sharedDenial({ kind: 'unauthenticated', code, detail }, { conclusive });
}

function factsOf(
  subject: string,
  issuer: string,
  { scopes = [], roles = [], tenant }: CertificateRights,
  { notAfter }: CertificateContent,
): AuthenticatedFacts {
  return {
    principal: {
      id: principalId(issuer, subject),
      subject,
      issuer,
      tenant,
      scopes: frozenSet(scopes),
      roles: frozenSet(roles),
    },
    // A certificate is shown in the handshake, so there is no scheme to ask for it again.
    authentication: { method: 'certificate', scheme: '', claims: NO_CLAIMS, expiresAt: notAfter },
  };
}

const NO_CLAIMS = Object.freeze({});
