import type { Denial, Duration, TicketStore } from '@apisec/core';
import { assertConfiguration, assertKnownOptions, durationMs } from '@apisec/core/host';
import { isName } from '../names.ts';
import { wordedDenials } from '../worded-denials.ts';
import { assertTicketStore, isTicket, tickets } from './tickets.ts';

/** Options of {@link singleUseTokens}. */
export interface SingleUseTokensOptions {
  readonly tickets: TicketStore;
  /** What they are for: `password_reset`, `mail_verification`, `invitation`. A token is good for nothing else. */
  readonly purpose: string;
  /** How long a token is good, from `1m` to `30d`. For a password reset an hour at the most. */
  readonly lifetime: Duration;
  /** How long the store may take, from `1ms` to `1m`. Default: `2s`. */
  readonly storeTimeout?: Duration | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** Why there is no token, or why it is not good. */
export interface SingleUseDenial {
  readonly ok: false;
  /** To deny with: `denyWith(result.denial)`. */
  readonly denial: Denial;
}

/** Whose token it is. */
export interface SingleUse {
  readonly ok: true;
  readonly subject: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Tokens that are good once; see {@link singleUseTokens}. Nothing but `revoke` rejects. */
export interface SingleUseTokens {
  /**
   * Makes the one token that is good for this subject: those before it are not any more, and of several at the same
   * moment exactly one is. `data` is plain JSON.
   */
  readonly issue: (
    subject: string,
    data?: Readonly<Record<string, unknown>>,
  ) => Promise<
    { readonly ok: true; readonly token: string; readonly expiresAt: number } | SingleUseDenial
  >;
  /** Whether it is good, without using it up: to show the form that it leads to. */
  readonly check: (token: string) => Promise<SingleUse | SingleUseDenial>;
  /** Uses it up. Of many at the same moment exactly one succeeds. */
  readonly use: (token: string) => Promise<SingleUse | SingleUseDenial>;
  /** Ends the tokens of a subject; tells how many. Rejects when the store fails. */
  readonly revoke: (subject: string) => Promise<number>;
}

const NAME = 'singleUseTokens';
const PURPOSE = /^[a-z][a-z0-9_]{0,63}$/;
const LONGEST_DATA = 4_096;

/**
 * Tokens to send: links that reset a password, verify a mail address, accept an invitation. The store holds hashes,
 * so nobody who reads it can use one. A token is good once, for its purpose, until it expires, and until another one
 * is issued to the same subject. Do not use one up by GET: programs that look at mail follow links.
 *
 * Denials: `single_use.malformed` (400), `single_use.unknown` (401: never issued, used, replaced or expired; which of
 * them is not told), `single_use.unavailable` (503).
 *
 * @throws ConfigurationError for a purpose or a lifetime that cannot hold.
 * @example
 * const resets = singleUseTokens({ tickets: store, purpose: 'password_reset', lifetime: '30m' });
 * const issued = await resets.issue(account.subject);
 * const used = await resets.use(tokenOfTheForm);
 */
export function singleUseTokens(options: SingleUseTokensOptions): SingleUseTokens {
  assertKnownOptions(NAME, options, ['tickets', 'purpose', 'lifetime', 'storeTimeout', 'now']);
  const { purpose, now = () => Date.now() } = options;
  assertTicketStore(NAME, options.tickets);
  assertConfiguration(
    typeof purpose === 'string' && PURPOSE.test(purpose),
    `${NAME}: purpose must be a name in lower case, for example 'password_reset'.`,
  );
  const lifetime = durationMs(NAME, 'lifetime', options.lifetime, { min: '1m', max: '30d' });
  const timeout = durationMs(NAME, 'storeTimeout', options.storeTimeout ?? '2s', { max: '1m' });
  const kept = tickets(options.tickets, `single_use.${purpose}`, { timeout, now });

  const judge = async (
    token: string,
    ask: 'read' | 'take',
  ): Promise<SingleUse | SingleUseDenial> => {
    if (!isTicket(token)) return singleUseDenial('single_use.malformed');
    try {
      const found = await kept.read(token);
      if (found?.subject === undefined || !(await kept.isOnly(found))) {
        return singleUseDenial('single_use.unknown');
      }
      const isGood = ask === 'read' || (await kept.take(token)) !== undefined;
      if (!isGood) return singleUseDenial('single_use.unknown');
      return { ok: true, subject: found.subject, data: found.data };
    } catch (cause) {
      return singleUseDenial('single_use.unavailable', cause);
    }
  };

  return Object.freeze<SingleUseTokens>({
    issue: async (subject, data = {}) => {
      if (!isName(subject) || !isBounded(data)) return singleUseDenial('single_use.malformed');
      try {
        const expiresAt = now() + lifetime;
        const { ticket } = await kept.issueOnly({ subject, data, expiresAt });
        return { ok: true, token: ticket, expiresAt };
      } catch (cause) {
        return singleUseDenial('single_use.unavailable', cause);
      }
    },
    check: (token) => judge(token, 'read'),
    use: (token) => judge(token, 'take'),
    revoke: (subject) => kept.removeOf(subject),
  });
}

function isBounded(data: unknown): boolean {
  try {
    return typeof data === 'object' && data !== null && JSON.stringify(data).length <= LONGEST_DATA;
  } catch {
    return false;
  }
}

type SingleUseDenialCode = 'single_use.malformed' | 'single_use.unknown' | 'single_use.unavailable';

const worded = wordedDenials<SingleUseDenialCode>({
  'single_use.malformed': ['malformed', 'The link or code is not well formed.'],
  'single_use.unknown': ['unauthenticated', 'The link or code is no longer valid.'],
  'single_use.unavailable': ['unavailable', 'The link or code cannot be verified at the moment.'],
});

/** Words a denial. */
export function singleUseDenial(code: SingleUseDenialCode, cause?: unknown): SingleUseDenial {
  return { ok: false, denial: worded(code, { cause }) };
}
