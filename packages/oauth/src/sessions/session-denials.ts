import { denied, type OAuthDenied } from '../client/failures.ts';

/** The store did not answer: nobody is signed out for that. */
export function storeDown(cause: unknown): OAuthDenied {
  return denied('unavailable', 'session.unavailable', {
    detail: 'Sessions cannot be looked up at the moment.',
    cause,
  });
}

export function tokenMissing(): OAuthDenied {
  return denied('unauthenticated', 'session.token_missing', {
    detail: 'The session has no access token. Sign in again.',
  });
}

/** A logout was faster than the login. */
export function sessionEnded(): OAuthDenied {
  return denied('unauthenticated', 'session.ended', {
    detail: 'You were signed out while signing in. Sign in again.',
  });
}

export function sessionGone(): OAuthDenied {
  return denied('unauthenticated', 'session.unknown', {
    detail: 'The session has ended. Sign in again.',
  });
}

/** Somebody else renews the tokens, and has not done so in time. */
export function tokensBusy(): OAuthDenied {
  return denied('unavailable', 'oauth.unavailable', {
    detail: 'The identity provider cannot be reached at the moment.',
    retryAfterMs: 1_000,
  });
}
