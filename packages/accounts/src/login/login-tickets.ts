import type { Denial, MaybePromise, TicketRecord, TicketStore } from '@apisec/core';
import { sha256 } from '@apisec/core/host';
import { isName, isTenant } from '../names.ts';
import { headOf, type Tickets, tickets } from '../tickets/tickets.ts';
import type { LoginAccount } from './login-account.ts';
import { loginDenial } from './login-denial.ts';
import { type LoginState, stateOfTicket } from './login-state.ts';
import type { LoginCaller, LoginDenied, LoginPending } from './login-types.ts';

/** A login that a client may go on with. */
export interface OpenedLogin {
  readonly record: TicketRecord;
  readonly state: LoginState;
  /** Undefined until it is known whose login it is. */
  readonly account?: LoginAccount | undefined;
}

/** Logins in their tickets. All of it rejects when the store or the accounts fail. */
export interface LoginTickets extends Pick<Tickets, 'take' | 'removeOf'> {
  /** A login that begins; it names nobody where nobody is known. */
  readonly begin: (
    state: LoginState,
    expiresAt: number,
  ) => Promise<{ readonly ticket: string; readonly expiresAt: number }>;
  /** The ticket after one that was used up. A code that was sent stays readable to its holder. */
  readonly reissue: (state: LoginState, expiresAt: number, ticket: string) => Promise<string>;
  /** The login in a ticket, where this client may go on with it. Uses nothing up. */
  readonly open: (
    caller: LoginCaller,
    ticket: string,
    may: (state: LoginState) => boolean,
  ) => Promise<OpenedLogin | LoginDenied>;
  /**
   * Whose login it is. Undefined where the account is disabled, or has another password than the login was begun
   * with.
   */
  readonly accountOf: (state: LoginState) => Promise<LoginAccount | undefined>;
}

/** `bySubject` answers in bounded time. */
export function loginTickets(
  store: TicketStore,
  bySubject: (
    subject: string,
    tenant: string | undefined,
  ) => Promise<MaybePromise<LoginAccount | undefined>>,
  times: { readonly timeout: number; readonly now: () => number },
): LoginTickets {
  const logins = tickets(store, 'login', times);
  const accountOf: LoginTickets['accountOf'] = async ({ subject, tenant, mark }) => {
    const account = subject === undefined ? undefined : await bySubject(subject, tenant);
    const stands =
      account?.subject === subject &&
      account?.disabled !== true &&
      (mark === undefined || (account !== undefined && mark === (await markOf(account))));
    return stands ? account : undefined;
  };
  return {
    take: logins.take,
    removeOf: logins.removeOf,
    begin: (state, expiresAt) =>
      logins.issue({ subject: state.subject, data: { ...state }, expiresAt }),
    reissue: async (state, expiresAt, ticket) => {
      const content = { subject: state.subject, data: { ...state }, expiresAt };
      return (await logins.issue(content, headOf(ticket))).ticket;
    },
    open: async ({ client, tenant }, ticket, may) => {
      const record = await logins.read(ticket);
      if (record === undefined) return denied(loginDenial('sign_in.ticket_unknown'));
      const state = stateOfTicket(record);
      if (state.client !== (await sha256(client)) || state.tenant !== tenant) {
        return denied(loginDenial('sign_in.client_mismatch'));
      }
      if (!may(state)) return denied(loginDenial('sign_in.method_unavailable'), ticket);
      const { subject } = state;
      if (subject === undefined) return { record, state };
      const account = await accountOf(state);
      if (account === undefined) return denied(loginDenial('sign_in.ticket_unknown'));
      return { record, state, account };
    },
    accountOf,
  };
}

/** Denies, with the ticket to go on with where there is one. */
export function denied(denial: Denial, ticket?: string): LoginDenied {
  return ticket === undefined ? { status: 'denied', denial } : { status: 'denied', denial, ticket };
}

/** The denial where nothing could be decided. */
export function unavailable(cause: unknown): LoginDenied {
  return denied(loginDenial('sign_in.unavailable', { cause }));
}

/** What a login waits for. */
export function pendingAnswer(
  { needs, done }: LoginState,
  issued: { readonly ticket: string; readonly expiresAt: number },
): LoginPending {
  return { status: 'requires_mfa', ...issued, methods: needs, done };
}

/** Another hash is another password; an account without one has no mark. */
export async function markOf({ passwordHash }: LoginAccount): Promise<string | undefined> {
  return passwordHash === undefined ? undefined : sha256(passwordHash);
}

/** What is shorter can be guessed. */
const SHORTEST_CLIENT = 16;

/** True where the caller says what its client is known by, and names no tenant or a whole one. */
export function isClient({ client, tenant }: LoginCaller): boolean {
  const isKnown = isName(client) && client.length >= SHORTEST_CLIENT;
  return isKnown && isTenant(tenant);
}
