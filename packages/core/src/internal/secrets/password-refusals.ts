import type { Denial, DenialKind } from '../../denial.ts';

/** Why a password is refused. */
export interface PasswordRefusal {
  readonly ok: false;
  /** To refuse with: `refuse(result.denial)`. */
  readonly denial: Denial;
}

/** Codes of `passwords`. */
export type PasswordRefusalCode =
  | 'password.malformed'
  | 'password.too_short'
  | 'password.too_long'
  | 'password.repetitive'
  | 'password.contextual'
  | 'password.common'
  | 'password.breached'
  | 'password.wrong'
  | 'password.unavailable';

const refusals: Readonly<Record<PasswordRefusalCode, readonly [DenialKind, string]>> = {
  'password.malformed': ['malformed', 'The password is no text.'],
  'password.too_short': ['malformed', 'The password is too short.'],
  'password.too_long': ['malformed', 'The password is too long.'],
  'password.repetitive': ['malformed', 'The password has too few different characters.'],
  'password.contextual': ['malformed', 'The password is made of names that others know.'],
  'password.common': ['malformed', 'The password is a common one.'],
  'password.breached': ['malformed', 'The password is known from a breach.'],
  'password.wrong': ['unauthenticated', 'The account or the password is not right.'],
  'password.unavailable': ['unavailable', 'The password cannot be checked at the moment.'],
};

/** Words a refusal. */
export function passwordRefusal(code: PasswordRefusalCode, cause?: unknown): PasswordRefusal {
  const [kind, detail] = refusals[code];
  const denial = { kind, code, detail };
  return { ok: false, denial: cause === undefined ? denial : { ...denial, cause } };
}
