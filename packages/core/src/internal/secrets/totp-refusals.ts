import type { Denial, DenialKind } from '../../denial.ts';

/** Why a code was not taken, or nothing was changed. */
export interface TotpRefusal {
  readonly ok: false;
  /** To refuse with: `refuse(result.denial)`. */
  readonly denial: Denial;
}

/** Codes of `totp`. */
export type TotpRefusalCode =
  | 'totp.malformed'
  | 'totp.invalid'
  | 'totp.reused'
  | 'totp.not_enrolled'
  | 'totp.already_enrolled'
  | 'totp.account_invalid'
  | 'totp.locked'
  | 'totp.unavailable';

const refusals: Readonly<Record<TotpRefusalCode, readonly [DenialKind, string]>> = {
  'totp.malformed': ['malformed', 'The code is not well formed.'],
  'totp.account_invalid': ['malformed', 'The name of the account cannot be shown in an app.'],
  'totp.invalid': ['unauthenticated', 'The code is not right.'],
  'totp.reused': ['unauthenticated', 'The code was used before.'],
  'totp.not_enrolled': ['unauthenticated', 'The account has no second factor.'],
  'totp.already_enrolled': ['forbidden', 'The account has a second factor already.'],
  'totp.locked': ['rate_limited', 'There were too many wrong codes.'],
  'totp.unavailable': ['unavailable', 'The code cannot be verified at the moment.'],
};

/** Words a refusal. */
export function totpRefusal(
  code: TotpRefusalCode,
  more: Pick<Denial, 'retryAfter' | 'cause'> = {},
): TotpRefusal {
  const [kind, detail] = refusals[code];
  return { ok: false, denial: { kind, code, detail, ...more } };
}
