import { ConfigurationError } from '@apisec/core';
import { Cluster } from 'ioredis';
import type { RedisClient } from './client.ts';

/** What is at risk on a server that throws keys away when its memory is full. */
export interface EvictionRisk {
  /** Its `maxmemory-policy`. */
  readonly policy: string;
  /** Which store, by the name of its factory. */
  readonly store: string;
  /** What happens when a key of it is thrown away. */
  readonly risk: string;
}

/** Called for a server that evicts keys. */
export type OnEviction = (risk: EvictionRisk) => void;

const SAFE = 'noeviction';
/** A cache of rows is not among them: it may lose any. */
const RISKS: Readonly<Record<string, string>> = {
  redisReplayStore: 'what was used once can be used again',
  redisRevocationStore: 'what was revoked is valid again',
  redisRefreshTokenStore: 'users are signed out, and a stolen token is not recognised',
  redisTotpStore: 'second factors are lost, and used codes are valid again',
  redisPasskeyStore: 'passkeys are lost, and nobody can sign in with them',
  redisSessionStore: 'users are signed out, and ended sessions are forgotten',
  redisTicketStore: 'logins that have begun fail',
  redisLimitStore: 'limits start again, even for callers who had used them up',
  redisCounterStore: 'pauses and locks after failures end',
  redisLeaseStore: 'more calls run at once than allowed',
};
const told = (line: string): void => {
  // oxlint-disable-next-line no-console
  console.error(line);
};

/** The first policy found that evicts, asked once for each client when it is ready; undefined where there is none. */
const found = new WeakMap<RedisClient, Promise<string | undefined>>();

/**
 * Looks at the server's `maxmemory-policy` when the client is ready, and tells what the store risks where keys are
 * evicted. A server that does not say is taken for one that was configured as the store's documentation asks.
 */
export function watchEviction(
  store: string,
  client: RedisClient,
  onEviction: OnEviction | undefined,
): void {
  const risk = RISKS[store];
  // What only looks like a client has no events.
  if (risk === undefined || typeof client.once !== 'function') return;
  let policy = found.get(client);
  if (policy === undefined) {
    policy = whenReady(client)
      .then(() => evictingPolicy(client))
      .catch(() => undefined);
    found.set(client, policy);
  }
  void report(store, risk, policy, onEviction);
}

async function report(
  store: string,
  risk: string,
  asked: Promise<string | undefined>,
  onEviction: OnEviction | undefined,
): Promise<void> {
  const policy = await asked;
  if (policy === undefined) return;
  if (onEviction === undefined) {
    told(
      `apisec: ${store}: this Redis evicts keys (maxmemory-policy ${policy}), and then ${risk}. ` +
        `Set it to ${SAFE}, or keep this store on another server.`,
    );
    return;
  }
  try {
    onEviction({ policy, store, risk });
  } catch {
    // Nobody is left to tell.
  }
}

/**
 * Rejects where a server evicts keys when its memory is full, so that a process need not start there: call it before
 * you listen. Rejects also where the server does not answer or does not say.
 *
 * @throws ConfigurationError that names the policy.
 * @example
 * await assertNoEviction(client);
 */
export async function assertNoEviction(client: RedisClient): Promise<void> {
  await whenReady(client);
  const policies = await policiesOf(client);
  for (const policy of policies) {
    if (policy === SAFE) continue;
    throw new ConfigurationError(
      policy === undefined
        ? 'assertNoEviction: this Redis does not report its maxmemory-policy (INFO memory).'
        : `assertNoEviction: this Redis evicts keys (maxmemory-policy ${policy}). Set it to ${SAFE}.`,
    );
  }
}

async function evictingPolicy(client: RedisClient): Promise<string | undefined> {
  return (await policiesOf(client)).find((policy) => policy !== undefined && policy !== SAFE);
}

/** One for each server that may be written to. INFO, since many providers forbid CONFIG. */
function policiesOf(client: RedisClient): Promise<readonly (string | undefined)[]> {
  const servers = client instanceof Cluster ? client.nodes('master') : [client];
  return Promise.all(
    servers.map(
      async (server) => /^maxmemory_policy:(\S+)/m.exec(await server.info('memory'))?.[1],
    ),
  );
}

function whenReady(client: RedisClient): Promise<void> {
  if (client.status === 'ready') return Promise.resolve();
  return new Promise((resolve, reject) => {
    client.once('ready', () => resolve());
    client.once('end', () => reject(new Error('Redis: the client was closed.')));
  });
}
