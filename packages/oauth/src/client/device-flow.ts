import * as oauth from 'oauth4webapi';
import { denied, failure, type OAuthDenied } from './failures.ts';

/** How a device waits for its user. */
export interface PollOptions {
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined;
}

/** Waits that many milliseconds, or until the signal says that nobody waits any more. */
export type Wait = (milliseconds: number, signal?: AbortSignal) => Promise<void>;

const SLOWER_BY_MS = 5_000;
const LONGEST_INTERVAL_MS = 60_000;

/**
 * Asks until the user has agreed, denied, or let the code expire (RFC 8628 §3.5): never more often than the issuer
 * says, 5 seconds slower for good after each `slow_down`, and half as often after each failure of the network. One
 * caller at a time: another one is denied, since two would be told to slow down for ever.
 */
export function devicePolling<T extends { readonly ok: true }>(
  ask: () => Promise<T | OAuthDenied>,
  bounds: { readonly intervalMs: number; readonly expiresAt: number },
  now: () => number,
  wait: Wait,
): (options?: PollOptions) => Promise<T | OAuthDenied> {
  let interval = bounds.intervalMs;
  let isBusy = false;
  const poll = async (signal: AbortSignal | undefined): Promise<T | OAuthDenied> => {
    for (;;) {
      if (signal?.aborted) return stopped();
      if (now() + interval >= bounds.expiresAt) return expired('The code has expired.');
      await wait(interval, signal);
      if (signal?.aborted) return stopped();
      const answer = await ask();
      if (answer.ok) return answer;
      const { cause } = answer.denial;
      const error = cause instanceof oauth.ResponseBodyError ? cause.error : undefined;
      if (error === 'slow_down') interval += SLOWER_BY_MS;
      else if (error === 'expired_token') return expired('The code has expired.');
      else if (error === 'access_denied') {
        return denied('forbidden', 'oauth.device_denied', {
          detail: 'The user denied the request.',
        });
      } else if (answer.denial.kind === 'unavailable') {
        interval = Math.min(interval * 2, LONGEST_INTERVAL_MS);
      } else if (error !== 'authorization_pending') return answer;
    }
  };
  return async ({ signal } = {}) => {
    if (isBusy) return denied('rate_limited', 'oauth.device_busy');
    isBusy = true;
    try {
      return await poll(signal);
    } catch (cause) {
      return failure(cause, 'token');
    } finally {
      isBusy = false;
    }
  };
}

function stopped(): OAuthDenied {
  return expired('Waiting for the user was stopped.');
}

function expired(detail: string): OAuthDenied {
  return denied('gone', 'oauth.device_expired', { detail });
}
