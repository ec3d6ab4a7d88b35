import type { TicketRecord } from '@apisec/core';

/** What somebody can sign in with. `mail` and `sms` are one-time codes that were sent there. */
export type LoginFactor = 'password' | 'passkey' | 'totp' | 'backup_code' | 'mail' | 'sms';

/** A code that was sent, and is waited for. */
export interface SentCode {
  readonly channel: 'mail' | 'sms';
  /** Of the code and the head of the ticket, so that a reader of the store cannot try all codes. */
  readonly hash: string;
  readonly expiresAt: number;
}

/** How far a login is: what its ticket says. Plain JSON. */
export interface LoginState {
  readonly kind: 'login' | 'step_up';
  /** Empty until it is known who signs in. */
  readonly subject?: string | undefined;
  /** What was typed, where it began so: later failures count for it, too. */
  readonly identifier?: string | undefined;
  /** SHA-256 of what the client is known by. */
  readonly client: string;
  readonly tenant?: string | undefined;
  /** What is still needed: one of these. */
  readonly needs: readonly LoginFactor[];
  /** What was right, in order. */
  readonly done: readonly LoginFactor[];
  /** Of the running session, for a step-up. */
  readonly held: readonly string[];
  readonly session?: string | undefined;
  /** Wrong answers so far. */
  readonly failures: number;
  /** Codes sent so far. */
  readonly sent: number;
  readonly code?: SentCode | undefined;
  /** The challenge that a passkey must sign. */
  readonly challenge?: string | undefined;
  /** Of the password hash that was right: another one since then ends the login. */
  readonly mark?: string | undefined;
  /** The device that is remembered, by the id of its ticket: it counts for itself. */
  readonly device?: string | undefined;
}

/** The state in a ticket. Only `login` writes those. */
export function stateOfTicket({ data }: TicketRecord): LoginState {
  return data as unknown as LoginState;
}

/** A login after a right answer. `verified`: a passkey checked its user itself. */
export function afterRight(state: LoginState, factor: LoginFactor, verified: boolean): LoginState {
  const { code: _code, challenge: _challenge, ...rest } = state;
  const held = verified ? [...state.held, 'mfa'] : state.held;
  return { ...rest, held, done: [...state.done, factor] };
}

/** RFC 8176. A passkey proves a key that its user touched; codes by mail are one-time passwords like others. */
const METHODS: Readonly<Record<LoginFactor, readonly string[]>> = {
  password: ['pwd'],
  passkey: ['pop', 'user'],
  totp: ['otp'],
  backup_code: ['otp'],
  mail: ['otp'],
  sms: ['sms'],
};
const KNOWLEDGE = new Set(['pwd', 'pin', 'kba']);
const POSSESSION = new Set(['otp', 'sms', 'pop', 'hwk', 'swk', 'sc', 'tel']);
/** Of a running session: more are not the standard's. */
const MOST_HELD = 16;

/** The `amr` of a login (RFC 8176), each value once; `mfa` where two kinds of factor, or a passkey that checks both. */
export function amrOf({ done, held }: LoginState): readonly string[] {
  const values = new Set([...held, ...done.flatMap((factor) => METHODS[factor])]);
  const knows = [...values].some((value) => KNOWLEDGE.has(value));
  const has = [...values].some((value) => POSSESSION.has(value));
  if (knows && has) values.add('mfa');
  return Object.freeze([...values]);
}

/** What the caller says a running session was signed in with. Anything else than short texts is left out. */
export function heldOf(amr: readonly string[] | undefined): readonly string[] {
  if (!Array.isArray(amr)) return [];
  const values: readonly unknown[] = amr.slice(0, MOST_HELD);
  return values.filter(
    (value): value is string => typeof value === 'string' && /^[a-z]{1,16}$/.test(value),
  );
}
