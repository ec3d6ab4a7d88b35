import type {
  AttemptAnswer,
  AttemptReconciliation,
  AttemptRequest,
  CounterStore,
} from '@apisec/core';
import { sha256 } from '@apisec/core/host';
import { type ClockedStoreOptions, presentParameter } from '../client/clock.ts';
import { firstRow, type PostgresClient, schemaName } from '../client/postgres-client.ts';
import { sweepEnded } from '../client/sweeper.ts';

const NAME = 'postgresCounterStore';

/**
 * Counts attempts that may fail in PostgreSQL, for `throttleFailures` and `login` in all processes: one function of the
 * database for each decision however many keys, by the database's clock. Accounts and peers are kept as hashes. Run
 * `migrate` first; needs SELECT, INSERT, UPDATE and DELETE, and EXECUTE on the functions of the schema, which everybody
 * has unless it was revoked. Give the pool a `query_timeout`: the store rejects when the database does.
 *
 * It writes for every attempt, and attempts of one account or peer wait for each other. Whoever has Redis takes
 * `redisCounterStore`.
 *
 * @throws ConfigurationError for a schema name that is not one.
 * @example
 * const throttle = { store: postgresCounterStore(pool), name: 'logins' };
 * const signIn = login({ accounts, tickets, passwords, finish, throttle });
 */
export function postgresCounterStore(
  client: PostgresClient,
  options: ClockedStoreOptions = {},
): CounterStore {
  const schema = schemaName(NAME, options, ['now']);
  const at = presentParameter(NAME, options);
  const sweep = sweepEnded(client, `${schema}.failures`, { id: 'key' });

  return Object.freeze<CounterStore>({
    attempt: async (requests) => {
      await sweep(at());
      const asked = await Promise.all(
        requests.map(async (request) => ({ key: await keyOf(request), ...request.rule })),
      );
      const row = await firstRow<{ readonly answer: string }>(
        client,
        `SELECT ${schema}.attempt_all($1::jsonb, $2::bigint) AS answer`,
        [JSON.stringify(asked), at()],
      );
      return readAnswer(row?.answer, requests.length);
    },
    reconcile: async (reconciliations) => {
      if (reconciliations.length === 0) return;
      const asked = await Promise.all(reconciliations.map(rowOf));
      await client.query(`SELECT ${schema}.reconcile_attempts($1::jsonb, $2::bigint)`, [
        JSON.stringify(asked),
        at(),
      ]);
    },
  });
}

/** Of any text one that an index holds, and that tells nobody whose it is. */
function keyOf({ name, key }: AttemptRequest): Promise<string> {
  return sha256(JSON.stringify([name, key]));
}

async function rowOf(reconciliation: AttemptReconciliation): Promise<object> {
  const { ticket, result, rule } = reconciliation;
  return { key: await keyOf(reconciliation), ticket, result, forgetAfter: rule.forgetAfter };
}

function readAnswer(answer: string | undefined, count: number): AttemptAnswer {
  // The function answers how long to wait, and where that is not at all the time of the attempt, which is its ticket.
  const [wait = Number.NaN, time = Number.NaN] = JSON.parse(answer ?? '[]') as readonly number[];
  if (wait > 0) return { allowed: false, retryAfterMs: wait, tickets: [] };
  if (wait !== 0 || Number.isNaN(time)) throw new Error(`${NAME}: the database did not answer.`);
  return { allowed: true, retryAfterMs: 0, tickets: Array.from({ length: count }, () => time) };
}
