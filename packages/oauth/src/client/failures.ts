import type { Denial } from '@apisec/core';
import { isObject } from '@apisec/core/host';
import * as oauth from 'oauth4webapi';
import { AmbiguousAnswer } from '../lib/bounded-fetch.ts';

/** A denial as a value; only its `cause` says what the issuer answered. */
export interface OAuthDenied {
  readonly ok: false;
  readonly denial: Denial;
}

/** What the request was about, where the same answer means different things. */
export type Step = 'authorization' | 'code' | 'token' | 'resource' | 'other';

/** Makes a denied result. */
export function denied(
  kind: Denial['kind'],
  code: string,
  rest: Omit<Denial, 'kind' | 'code'> = {},
): OAuthDenied {
  return { ok: false, denial: { kind, code, ...rest } };
}

export function unavailable(cause: unknown, retryAfterMs?: number): OAuthDenied {
  return denied('unavailable', 'oauth.unavailable', {
    detail: 'The identity provider cannot be reached at the moment.',
    cause,
    retryAfterMs,
  });
}

const TRY_LATER = new Set(['server_error', 'temporarily_unavailable']);
const LOGIN_NEEDED = new Set([
  'login_required',
  'interaction_required',
  'consent_required',
  'account_selection_required',
]);

/** Why the issuer did not do what it was asked for. */
export function failure(cause: unknown, step: Step): OAuthDenied {
  if (cause instanceof oauth.AuthorizationResponseError) return byBrowser(cause);
  if (cause instanceof oauth.ResponseBodyError) {
    if (cause.status >= 500 || cause.status === 429) return unavailable(cause);
    return byError(cause.error, cause);
  }
  if (cause instanceof oauth.WWWAuthenticateChallengeError) {
    return step === 'resource'
      ? grantDenied(cause)
      : denied('internal', 'oauth.client_denied', { cause });
  }
  if (
    cause instanceof oauth.OperationProcessingError ||
    cause instanceof oauth.UnsupportedOperationError
  ) {
    const status = statusOf(cause.cause);
    if (status !== undefined && (status >= 500 || status === 429)) return unavailable(cause);
    if (step === 'code' && status === undefined && !isAboutAnswer(cause.cause)) {
      return denied('forbidden', 'oauth.id_token_invalid', {
        detail: 'The identity provider did not confirm this login.',
        cause,
      });
    }
    return denied('upstream', 'oauth.upstream', { cause });
  }
  if (cause instanceof AmbiguousAnswer) return denied('upstream', 'oauth.upstream', { cause });
  return unavailable(cause);
}

/** An error that the browser brings is the caller's choice: no value of it is a fault of this server. */
function byBrowser(cause: oauth.AuthorizationResponseError): OAuthDenied {
  return byKnownError(cause.error, cause) ?? notAgreed(cause);
}

function byError(error: string, cause: unknown): OAuthDenied {
  if (error === 'invalid_grant') return grantDenied(cause);
  if (error === 'access_denied') return notAgreed(cause);
  return byKnownError(error, cause) ?? denied('internal', 'oauth.client_denied', { cause });
}

function byKnownError(error: string, cause: unknown): OAuthDenied | undefined {
  if (TRY_LATER.has(error)) return unavailable(cause);
  if (LOGIN_NEEDED.has(error)) return denied('unauthenticated', 'oauth.login_required', { cause });
  return undefined;
}

function notAgreed(cause: unknown): OAuthDenied {
  const detail = 'The login was denied at the identity provider.';
  return denied('forbidden', 'oauth.denied', { detail, cause });
}

function grantDenied(cause: unknown): OAuthDenied {
  return denied('unauthenticated', 'oauth.grant_denied', {
    detail: 'The identity provider no longer accepts this.',
    cause,
  });
}

/** What is wrong with the rest of an answer that has an ID token says nothing of the login. */
function isAboutAnswer(cause: unknown): boolean {
  const body = isObject(cause) ? cause['body'] : undefined;
  return isObject(body) && typeof body['id_token'] === 'string';
}

function statusOf(value: unknown): number | undefined {
  return value instanceof Response ? value.status : undefined;
}
