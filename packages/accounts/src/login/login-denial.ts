import type { Denial } from '@apisec/core';
import { wordedDenials } from '../worded-denials.ts';

/** Codes of `login`, beside those of passwords, TOTP, passkeys and failures. */
export type LoginDenialCode =
  | 'sign_in.malformed'
  | 'sign_in.ticket_unknown'
  | 'sign_in.client_mismatch'
  | 'sign_in.method_unavailable'
  | 'sign_in.code_wrong'
  | 'sign_in.code_expired'
  | 'sign_in.too_many_codes'
  | 'sign_in.too_many_challenges'
  | 'sign_in.too_many_attempts'
  | 'sign_in.second_factor_missing'
  | 'sign_in.unavailable';

const worded = wordedDenials<LoginDenialCode>({
  'sign_in.malformed': ['malformed', 'The request lacks what is needed to sign in.'],
  'sign_in.ticket_unknown': ['unauthenticated', 'The login has ended. Start again.'],
  'sign_in.client_mismatch': ['unauthenticated', 'The login was started elsewhere. Start again.'],
  'sign_in.method_unavailable': ['malformed', 'This login cannot be continued in this way.'],
  'sign_in.code_wrong': ['unauthenticated', 'The code is wrong.'],
  'sign_in.code_expired': ['unauthenticated', 'The code has expired. Ask for another one.'],
  'sign_in.too_many_codes': ['rate_limited', 'No more codes are sent for this login.'],
  'sign_in.too_many_challenges': ['rate_limited', 'Too many logins were started. Try again later.'],
  'sign_in.too_many_attempts': [
    'unauthenticated',
    'There were too many wrong answers. Start again.',
  ],
  'sign_in.second_factor_missing': ['forbidden', 'The account needs a second factor and has none.'],
  'sign_in.unavailable': ['unavailable', 'Signing in is not possible at the moment.'],
});

/** Words a denial. */
export function loginDenial(
  code: LoginDenialCode,
  more: Pick<Denial, 'retryAfterMs' | 'cause'> = {},
): Denial {
  return worded(code, more);
}
