import { type Denial, type Limit, memoryLimitStore } from '@apisec/core';
import { sha256 } from '@apisec/core/host';
import { loginDenial } from './login-denial.ts';

const PER_PEER: Limit = { algorithm: 'bucket', capacity: 120, refill: 60, period: 60_000 };
/** A tenth of the default capacity of a memory store of tickets. */
const AT_ONCE = 10_000;
/** Peers that are counted at once. */
const PEERS = 8_192;

/**
 * Bounds the challenges that strangers get from this process: each is kept until it is answered or has ended, and
 * must not fill the store of all logins. By peer, and in all, so that many peers cannot do it either. Answers why
 * there is none now, or undefined.
 */
export function challengeLimits(
  lifetime: number,
  now: () => number,
  atOnce: number = AT_ONCE,
): (peer: string | undefined) => Promise<Denial | undefined> {
  const store = memoryLimitStore({ now, capacity: PEERS });
  const inAll: Limit = { algorithm: 'bucket', capacity: atOnce, refill: atOnce, period: lifetime };
  return async (peer) => {
    const { allowed, verdicts } = store.consume([
      { name: 'passkey.peer', key: await sha256(peer ?? ''), limit: PER_PEER, cost: 1 },
      { name: 'passkey.all', key: '', limit: inAll, cost: 1 },
    ]);
    if (allowed) return undefined;
    const retryAfterMs = Math.max(...verdicts.map((verdict) => verdict.retryAfterMs));
    return loginDenial('sign_in.too_many_challenges', { retryAfterMs });
  };
}
