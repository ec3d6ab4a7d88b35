import type { MaybePromise } from '../lib/maybe-promise.ts';

/** What a verifier says of one token. */
export interface HumanVerdict {
  readonly human: boolean;
  /** Why not, for logs. */
  readonly reason?: string | undefined;
}

/**
 * Asks the provider of a challenge (Turnstile, hCaptcha, one of your own) whether a token stands for one that
 * was solved. Rejects, in bounded time, where there is no answer: what went wrong then is not the token.
 */
export interface HumanVerifier {
  /** `address` is the caller's, where it is known. */
  readonly verify: (token: string, address: string | undefined) => MaybePromise<HumanVerdict>;
}
