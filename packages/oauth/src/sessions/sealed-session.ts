import type { AuthenticatedFacts } from '@apisec/core';
import { frozenSet, principalId } from '@apisec/core/host';
import type { Session, SessionOwner, SessionReading } from './session.ts';
import { tokenMissing } from './session-denials.ts';
import type { StoredTokens } from './stored-tokens.ts';

/** What a sealed cookie holds. */
export interface Sealed {
  readonly handle: string;
  readonly issuer: string;
  readonly subject: string;
  readonly clientId: string;
  readonly sid?: string | undefined;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly token?: KeptToken | undefined;
}

/** An access token, and nothing to renew it with. */
export type KeptToken = Pick<StoredTokens, 'accessToken' | 'tokenType' | 'expiresAt'>;

/** A cookie that was opened. */
export interface Opened {
  readonly reading: SessionReading & { readonly kind: 'session' };
  /** What revocations know it by. */
  readonly facts: AuthenticatedFacts;
  readonly token: KeptToken | undefined;
}

const NONE = frozenSet([]);

export function keptToken({ accessToken, tokenType, expiresAt }: StoredTokens): KeptToken {
  return { accessToken, tokenType, expiresAt };
}

/** What is sealed into a handle, so that one which was made up is known for that without a list. */
export type SealedHandle = Pick<Sealed, 'createdAt' | 'expiresAt'>;

/** Under its owner's name, so that whoever hands in somebody else's handle ends nothing. */
export function revocationId({ subject }: SessionOwner, handle: string): string {
  return `${subject} ${handle}`;
}

/**
 * What logouts know the sessions of a user by whose ID tokens name none. A logout that names a session may be about any
 * of them.
 */
export function unnamedSession({ subject }: Pick<SessionOwner, 'subject'>): string {
  return ` without a sid: ${subject}`;
}

/** `sid`: what logouts at the issuer know it by. */
export function openedSession(
  sealed: Sealed,
  now: () => number,
  known?: { readonly sid: string },
): Opened {
  const { handle, issuer, subject, clientId, sid, claims, createdAt, expiresAt, token } = sealed;
  const session: Session = Object.freeze({
    handle,
    issuer,
    subject,
    clientId,
    sid,
    claims,
    createdAt,
    idleUntil: expiresAt,
    expiresAt,
    accessToken: async () =>
      token !== undefined && now() < (token.expiresAt ?? expiresAt)
        ? { ok: true as const, ...token }
        : tokenMissing(),
  });
  const principal = {
    id: principalId(issuer, subject),
    subject,
    issuer,
    clientId,
    tenant: undefined,
    scopes: NONE,
    roles: NONE,
  };
  const id = revocationId(session, handle);
  const ended = Object.freeze({ jti: id, sid: known?.sid, iat: createdAt / 1_000 });
  const authentication = {
    method: 'session',
    scheme: 'Session',
    claims: ended,
    expiresAt,
  } as const;
  return { reading: { kind: 'session', session }, facts: { principal, authentication }, token };
}
