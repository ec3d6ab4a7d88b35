import type { Denial, Deny } from '@apisec/core';
import { type CountedAttempt, type CountFailuresOptions, countFailures } from '@apisec/core/host';

/** Whom the attempts of a login count for. */
export interface LoginAttempter {
  /** The typed name, which counts the same way whether it is known or not. */
  readonly identifier?: string | undefined;
  /** The account behind that name, whatever spelling was typed. */
  readonly subject?: string | undefined;
  /** A device that is remembered counts for itself, in the place of both. */
  readonly device?: string | undefined;
  readonly peer: string | undefined;
  readonly tenant: string | undefined;
}

/** An attempt that may be made. Until `end` says otherwise it counts as failed. */
export interface LoginAttempt extends CountedAttempt {
  /**
   * Why the account itself is not tried, though what was typed may be. Who has not shown a password must not learn of
   * it: that would reveal that the account exists, and which names belong to it.
   */
  readonly accountDenial: Denial | undefined;
}

/** Failures of logins, by what was typed, by account, and by peer. */
export interface LoginFailures {
  readonly begin: (who: LoginAttempter) => Promise<LoginAttempt | Deny>;
}

/** All of a login counts in one place, whatever the factor. */
export function loginFailures(
  throttle: CountFailuresOptions = {},
  now: (() => number) | undefined,
): LoginFailures {
  const failures = countFailures('login: throttle', throttle, now);
  // The peer is counted once.
  const ofAccounts = countFailures('login: throttle', { ...throttle, perPeer: 'none' }, now);

  return {
    begin: async ({ identifier, subject, device, peer, tenant }) => {
      const name = device === undefined ? namedBy('identifier', identifier) : ['device', device];
      const first = await failures.begin({ account: name, peer, tenant });
      if (!first.ok) return first;
      // An unknown account is counted as many times as a known one: the time must not tell them apart.
      const ofNobody = namedBy('nobody', identifier);
      const account = device === undefined ? (namedBy('subject', subject) ?? ofNobody) : undefined;
      if (account === undefined) return { ...first, accountDenial: undefined };
      const second = await ofAccounts.begin({ account, peer: undefined, tenant });
      if (!second.ok) {
        const { denial } = second;
        if (denial.kind === 'rate_limited') return { ...first, accountDenial: denial };
        await first.end('neither');
        return second;
      }
      return {
        ok: true,
        accountDenial: undefined,
        end: async (result) => {
          await Promise.all([first.end(result), second.end(result)]);
        },
      };
    },
  };
}

function namedBy(kind: string, name: string | undefined): readonly string[] | undefined {
  return name === undefined ? undefined : [kind, name];
}
