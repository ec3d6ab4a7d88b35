import {
  type Duration,
  memoryReplayStore,
  type ReplayStore,
  type SessionStore,
} from '@apisec/core';
import { memorySessionStore } from '@apisec/oauth';

/** Where sessions are, and which logins are finished: shared by all processes. */
export interface Stores {
  readonly sessions: SessionStore;
  readonly replay: ReplayStore;
}

/** By URL, `redis:` or `postgres:`; without one in the memory of this process. */
export async function openStores(url: string | undefined, timeout?: Duration): Promise<Stores> {
  if (url === undefined) return { sessions: memorySessionStore(), replay: memoryReplayStore() };
  return url.startsWith('redis:') ? onRedis(url, timeout) : onPostgres(url);
}

async function onRedis(url: string, timeout: Duration | undefined): Promise<Stores> {
  const { connectRedis, redisReplayStore, redisSessionStore } = await import('@apisec/redis');
  const options = { client: connectRedis(url), timeout };
  return { sessions: redisSessionStore(options), replay: redisReplayStore(options) };
}

async function onPostgres(url: string): Promise<Stores> {
  const { migrate, postgresReplayStore, postgresSessionStore } = await import('@apisec/postgres');
  const { Pool } = await import('pg');
  const pool = new Pool({ connectionString: url });
  await migrate(pool);
  return { sessions: postgresSessionStore(pool), replay: postgresReplayStore(pool) };
}
