import type { Authentication } from '../../facts.ts';

const presented = new WeakMap<Authentication, string>();

/** Notes which access token an authentication came from, where no log that prints facts can see it. */
export function rememberToken(authentication: Authentication, token: string): void {
  presented.set(authentication, token);
}

/** The access token of an authentication, for proofs over it (`ath`, RFC 9449 §4.2). */
export function presentedToken(authentication: Authentication): string | undefined {
  return presented.get(authentication);
}
