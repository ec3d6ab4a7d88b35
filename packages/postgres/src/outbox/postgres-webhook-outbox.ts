import type {
  ClaimedDelivery,
  ClaimShares,
  WebhookDeliveryRecord,
  WebhookEndpoint,
  WebhookOutbox,
} from '@apisec/core';
import { type ClockedStoreOptions, presentParameter } from '../client/clock.ts';
import { firstRow, type PostgresClient, schemaName } from '../client/postgres-client.ts';
import { outboxStatements } from './outbox-statements.ts';

const NAME = 'postgresWebhookOutbox';
/** Deliveries that are looked at in one go where some at the front cannot be sent yet. */
const LONGEST_LOOK = 1_000;
const MOST_LOOKS = 20;
/** How often, and how far, the queue is searched behind those who have their share: all of it may be theirs. */
const SEARCH_EVERY_MS = 1_000;
const LONGEST_SEARCH = 50_000;
/** More than anybody claims. */
const MOST_PLACES = 1_000_000;
const UNBOUNDED: ClaimShares = {
  perEndpoint: MOST_PLACES,
  endpoints: new Map(),
  perTenant: MOST_PLACES,
  tenants: new Map(),
};

/**
 * An outbox on PostgreSQL: what `add` has answered survives any crash, and any number of workers share it
 * (`FOR UPDATE SKIP LOCKED`). Times go by the clock of the database, whatever those of the workers show. Needs
 * `migrate` first.
 *
 * To keep an event together with the change that caused it, make one over the client of your transaction and call its
 * `add` there.
 *
 * @throws ConfigurationError for a schema name that is not one.
 * @example
 * const outbox = postgresWebhookOutbox(pool);
 */
export function postgresWebhookOutbox(
  client: PostgresClient,
  options: ClockedStoreOptions = {},
): WebhookOutbox {
  const schema = schemaName(NAME, options, ['now']);
  const at = presentParameter(NAME, options);
  const statements = outboxStatements(schema);
  let searchedAt = Number.NEGATIVE_INFINITY;
  const othersWait = async (nowMs: number, places: ClaimShares): Promise<boolean> => {
    if (nowMs >= searchedAt && nowMs < searchedAt + SEARCH_EVERY_MS) return false;
    searchedAt = nowMs;
    const { rows } = await client.query(statements.othersWait, [
      at(),
      withoutPlaces(places.endpoints),
      withoutPlaces(places.tenants),
      LONGEST_SEARCH,
    ]);
    return (rows as readonly { readonly others: boolean | null }[])[0]?.others === true;
  };
  return Object.freeze<WebhookOutbox>({
    insertEndpoint: async (endpoint) => {
      const { rows } = await client.query(statements.insertEndpoint, valuesOf(endpoint));
      return rows.length === 1;
    },
    replaceEndpoint: async (endpoint, expected) => {
      const { rows } = await client.query(statements.replaceEndpoint, [
        ...valuesOf(endpoint),
        expected,
      ]);
      if (rows.length === 0) return false;
      // What was put off because of what the endpoint was. A statement of its own, which waits for nobody with a lock.
      if (endpoint.status === 'active') await client.query(statements.wake, [endpoint.id]);
      return true;
    },
    getEndpoint: async (id) => {
      const row = await firstRow<EndpointRow>(client, statements.getEndpoint, [id]);
      return row && endpointOf(row);
    },
    add: async (deliveries) => {
      if (deliveries.length === 0) return 0;
      const { rows } = await client.query(statements.add, [
        at(),
        deliveries.map(({ id }) => id),
        deliveries.map(({ messageId }) => messageId),
        deliveries.map(({ endpointId }) => endpointId),
        deliveries.map(({ body }) => body),
        deliveries.map(({ orderKey }) => orderKey ?? null),
      ]);
      return rows.length;
    },
    claim: async ({ limit, nowMs, leaseMs, shares }) => {
      const lease = crypto.randomUUID();
      const claimed: ClaimedRow[] = [];
      let putsOff = false;
      for (let looks = 0; looks < MOST_LOOKS && claimed.length < limit; looks++) {
        const places = placesLeft(shares, claimed);
        const { rows } = await client.query(statements.claim, [
          at(),
          limit - claimed.length,
          leaseMs,
          lease,
          looks === 0 ? limit : LONGEST_LOOK,
          places.perEndpoint,
          [...places.endpoints.keys()],
          [...places.endpoints.values()],
          places.perTenant,
          [...places.tenants.keys()],
          [...places.tenants.values()],
          putsOff,
        ]);
        // What the statement selects: always a row, without a delivery where there is none.
        const found = rows as readonly (ClaimedRow & Look)[];
        claimed.push(...found.filter(({ id }) => id !== null));
        if (claimed.length >= limit || found[0]?.held === true) continue;
        // What is over a share stays where it is, which costs nothing, unless others wait behind it.
        if (found[0]?.is_over !== true || !(await othersWait(nowMs, placesLeft(shares, claimed))))
          break;
        putsOff = true;
      }
      return claimed.map(
        (row): ClaimedDelivery => ({
          ...deliveryOf(row),
          attempt: row.attempts,
          lease,
          endpoint: endpointOf({ ...row, id: row.endpoint_id }),
        }),
      );
    },
    record: async (results, circuit, nowMs) => {
      if (results.length === 0) return;
      await client.query(statements.record, [
        at(),
        results.map(({ id }) => id),
        results.map(({ lease }) => lease),
        results.map(({ status }) => status),
        results.map(({ dueAtMs }) => Math.ceil(dueAtMs - nowMs)),
        results.map(({ outcome }) => outcome.slice(0, 200)),
        results.map(({ isGone }) => isGone === true),
        results.map(({ isLocal }) => isLocal === true),
        circuit.failures,
        Math.ceil(circuit.pauseUntilMs - nowMs),
      ]);
    },
    list: async ({ endpointId, status, limit }) => {
      const { rows } = await client.query(statements.list, [endpointId, status ?? null, limit]);
      return (rows as readonly DeliveryRow[]).map(
        (row): WebhookDeliveryRecord => ({
          ...deliveryOf(row),
          status: row.status,
          attempts: row.attempts,
          dueAtMs: Number(row.due_at),
          ...(row.last_outcome !== null && { lastOutcome: row.last_outcome }),
        }),
      );
    },
    replay: async ({ endpointId, ids }) => {
      const { rows } = await client.query(statements.replay, [at(), endpointId, ids ?? null]);
      return rows.length;
    },
    prune: async ({ endedBeforeMs, nowMs, limit }) => {
      const agedMs = Math.ceil(nowMs - endedBeforeMs);
      const { rows } = await client.query(statements.prune, [at(), agedMs, limit]);
      return rows.length;
    },
  });
}

/** What each share still has, with what was claimed already. */
function placesLeft(shares: ClaimShares | undefined, claimed: readonly ClaimedRow[]): ClaimShares {
  if (shares === undefined) return UNBOUNDED;
  const endpoints = new Map(shares.endpoints);
  const tenants = new Map(shares.tenants);
  for (const { endpoint_id: id, tenant } of claimed) {
    endpoints.set(id, (endpoints.get(id) ?? shares.perEndpoint) - 1);
    tenants.set(tenant, (tenants.get(tenant) ?? shares.perTenant) - 1);
  }
  return { ...shares, endpoints, tenants };
}

const withoutPlaces = (places: ReadonlyMap<string, number>): readonly string[] =>
  [...places].filter(([, left]) => left < 1).map(([id]) => id);

interface Look {
  /** Something was put off, and others stand at the front of the queue now. */
  readonly held: boolean;
  /** There was more than a share has left. */
  readonly is_over: boolean;
}

interface EndpointRow {
  readonly id: string;
  readonly tenant: string;
  readonly url: string;
  /** JSON. */
  readonly secrets: string;
  readonly endpoint_status: WebhookEndpoint['status'];
  readonly reason: string | null;
  readonly version: string;
}

interface SentRow {
  readonly id: string;
  readonly message_id: string;
  readonly endpoint_id: string;
  readonly body: string;
  readonly order_key: string | null;
  readonly attempts: number;
  /** pg gives bigint as text, PGlite as a number. */
  readonly created_at: string | number;
}

type ClaimedRow = SentRow & EndpointRow;

interface DeliveryRow extends SentRow {
  readonly status: WebhookDeliveryRecord['status'];
  readonly last_outcome: string | null;
  readonly due_at: string | number;
}

function valuesOf({ id, tenant, url, secrets, status, reason, version }: WebhookEndpoint) {
  return [id, tenant, url, JSON.stringify(secrets), status, reason ?? null, version];
}

function endpointOf(row: EndpointRow): WebhookEndpoint {
  return {
    id: row.id,
    tenant: row.tenant,
    url: row.url,
    // Written by `valuesOf`.
    secrets: JSON.parse(row.secrets) as WebhookEndpoint['secrets'],
    status: row.endpoint_status,
    ...(row.reason !== null && { reason: row.reason }),
    version: row.version,
  };
}

function deliveryOf(row: SentRow) {
  return {
    id: row.id,
    messageId: row.message_id,
    endpointId: row.endpoint_id,
    body: row.body,
    ...(row.order_key !== null && { orderKey: row.order_key }),
    createdAtMs: Number(row.created_at),
  };
}
