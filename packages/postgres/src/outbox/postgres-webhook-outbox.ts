import type {
  ClaimedDelivery,
  WebhookDeliveryRecord,
  WebhookEndpoint,
  WebhookOutbox,
} from '@apisec/core';
import {
  firstRow,
  type PostgresClient,
  type SchemaOptions,
  schemaName,
} from '../client/postgres-client.ts';

/**
 * An outbox on PostgreSQL: what `add` has answered survives any crash, and any number of workers share it
 * (`FOR UPDATE SKIP LOCKED`). Needs `migrate` first.
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
  options: SchemaOptions = {},
): WebhookOutbox {
  const schema = schemaName('postgresWebhookOutbox', options);
  const statements = statementsOf(schema);
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
      return rows.length === 1;
    },
    getEndpoint: async (id) => {
      const row = await firstRow<EndpointRow>(client, statements.getEndpoint, [id]);
      return row && endpointOf(row);
    },
    add: async (deliveries) => {
      if (deliveries.length === 0) return 0;
      const { rows } = await client.query(statements.add, [
        deliveries.map(({ id }) => id),
        deliveries.map(({ messageId }) => messageId),
        deliveries.map(({ endpointId }) => endpointId),
        deliveries.map(({ body }) => body),
        deliveries.map(({ orderKey }) => orderKey ?? null),
        deliveries.map(({ createdAtMs }) => createdAtMs),
      ]);
      return rows.length;
    },
    claim: async ({ limit, nowMs, leaseMs }) => {
      const lease = crypto.randomUUID();
      const { rows } = await client.query(statements.claim, [nowMs, limit, nowMs + leaseMs, lease]);
      // What the statement selects.
      return (rows as readonly (DeliveryRow & EndpointRow)[])
        .map((row): ClaimedDelivery & { readonly due: number } => ({
          ...deliveryOf(row),
          due: Number(row.due_at),
          attempt: row.attempts,
          lease,
          endpoint: endpointOf({ ...row, id: row.endpoint_id }),
        }))
        .toSorted((one, other) => one.due - other.due)
        .map(({ due: _due, ...claimed }) => claimed);
    },
    record: async (results, circuit, nowMs) => {
      if (results.length === 0) return;
      await client.query(statements.record, [
        results.map(({ id }) => id),
        results.map(({ lease }) => lease),
        results.map(({ status }) => status),
        results.map(({ dueAtMs }) => dueAtMs),
        results.map(({ outcome }) => outcome.slice(0, 200)),
        results.map(({ isGone }) => isGone === true),
        nowMs,
        circuit.failures,
        circuit.pauseUntilMs,
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
    replay: async ({ endpointId, ids, nowMs }) => {
      const { rows } = await client.query(statements.replay, [endpointId, ids ?? null, nowMs]);
      return rows.length;
    },
  });
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

interface DeliveryRow {
  readonly id: string;
  readonly message_id: string;
  readonly endpoint_id: string;
  readonly body: string;
  readonly order_key: string | null;
  readonly status: WebhookDeliveryRecord['status'];
  readonly attempts: number;
  readonly last_outcome: string | null;
  /** pg gives bigint as text, PGlite as a number. */
  readonly created_at: string | number;
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

function deliveryOf(row: DeliveryRow) {
  return {
    id: row.id,
    messageId: row.message_id,
    endpointId: row.endpoint_id,
    body: row.body,
    ...(row.order_key !== null && { orderKey: row.order_key }),
    createdAtMs: Number(row.created_at),
  };
}

function statementsOf(schema: string) {
  const endpoint =
    'tenant, url, secrets::text AS secrets, status AS endpoint_status, reason, version';
  return {
    insertEndpoint: `INSERT INTO ${schema}.webhook_endpoints
        (id, tenant, url, secrets, status, reason, version)
      VALUES ($1, $2, $3, $4::jsonb, $5, $6, $7)
      ON CONFLICT (id) DO NOTHING RETURNING id`,
    replaceEndpoint: `UPDATE ${schema}.webhook_endpoints
      SET tenant = $2, url = $3, secrets = $4::jsonb, status = $5, reason = $6, version = $7,
        paused_until = CASE WHEN status = $5 THEN paused_until ELSE 0 END
      WHERE id = $1 AND version = $8 RETURNING id`,
    getEndpoint: `SELECT id, ${endpoint} FROM ${schema}.webhook_endpoints WHERE id = $1`,
    add: `INSERT INTO ${schema}.webhook_deliveries
        (id, message_id, endpoint_id, body, order_key, created_at, due_at)
      SELECT id, message_id, endpoint_id, body, order_key, at, at
      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
        WITH ORDINALITY AS new (id, message_id, endpoint_id, body, order_key, at, place)
      ORDER BY place
      ON CONFLICT (id) DO NOTHING RETURNING id`,
    // A delivery that another worker is about to take is passed over, not waited for.
    claim: `WITH due AS (
        SELECT d.id FROM ${schema}.webhook_deliveries d
        JOIN ${schema}.webhook_endpoints e ON e.id = d.endpoint_id
        WHERE d.status = 'pending' AND d.due_at <= $1 AND d.leased_until <= $1
          AND e.status = 'active' AND e.paused_until <= $1
          AND (d.order_key IS NULL OR NOT EXISTS (
            SELECT FROM ${schema}.webhook_deliveries before
            WHERE before.endpoint_id = d.endpoint_id AND before.order_key = d.order_key
              AND before.status = 'pending' AND before.seq < d.seq))
        ORDER BY d.due_at, d.seq LIMIT $2 FOR UPDATE OF d SKIP LOCKED
      ), taken AS (
        UPDATE ${schema}.webhook_deliveries d
        SET leased_until = $3, lease = $4, attempts = attempts + 1
        FROM due WHERE d.id = due.id RETURNING d.*
      )
      SELECT taken.id, taken.message_id, taken.endpoint_id, taken.body, taken.order_key,
        taken.status, taken.attempts, taken.created_at, taken.due_at, taken.last_outcome,
        e.tenant, e.url, e.secrets::text AS secrets, e.status AS endpoint_status, e.reason, e.version
      FROM taken JOIN ${schema}.webhook_endpoints e ON e.id = taken.endpoint_id
      ORDER BY taken.due_at, taken.seq`,
    // Endpoints in the order of their ids, so that two workers never wait for each other.
    record: `WITH result AS (
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::boolean[])
          AS r (id, lease, status, due_at, outcome, is_gone)
      ), done AS (
        UPDATE ${schema}.webhook_deliveries d
        SET status = r.status, due_at = r.due_at, last_outcome = r.outcome, lease = '', leased_until = 0
        FROM result r WHERE d.id = r.id AND d.lease = r.lease AND d.status = 'pending'
        RETURNING d.id, d.endpoint_id, r.status, r.outcome, r.is_gone
      ), logged AS (
        INSERT INTO ${schema}.webhook_attempts (delivery_id, at, outcome)
        SELECT id, $7, outcome FROM done
      ), per_endpoint AS (
        SELECT endpoint_id, bool_or(status = 'delivered') AS any_good,
          count(*) FILTER (WHERE status <> 'delivered') AS bad, bool_or(is_gone) AS is_gone
        FROM done GROUP BY endpoint_id
      ), locked AS (
        SELECT e.id FROM ${schema}.webhook_endpoints e
        JOIN per_endpoint p ON p.endpoint_id = e.id
        WHERE p.bad > 0 OR e.failures > 0 ORDER BY e.id FOR UPDATE OF e
      )
      UPDATE ${schema}.webhook_endpoints e
      SET failures = CASE WHEN p.any_good THEN 0 ELSE e.failures + p.bad END,
        paused_until = CASE WHEN NOT p.any_good AND e.failures + p.bad >= $8 THEN $9::bigint
          ELSE e.paused_until END,
        status = CASE WHEN p.is_gone THEN 'disabled' ELSE e.status END,
        reason = CASE WHEN p.is_gone THEN 'gone' ELSE e.reason END,
        version = CASE WHEN p.is_gone THEN gen_random_uuid()::text ELSE e.version END
      FROM per_endpoint p JOIN locked l ON l.id = p.endpoint_id
      WHERE e.id = p.endpoint_id`,
    list: `SELECT id, message_id, endpoint_id, body, order_key, status, attempts, created_at, due_at,
        last_outcome
      FROM ${schema}.webhook_deliveries
      WHERE endpoint_id = $1 AND ($2::text IS NULL OR status = $2) ORDER BY seq DESC LIMIT $3`,
    replay: `UPDATE ${schema}.webhook_deliveries
      SET status = 'pending', attempts = 0, due_at = $3, lease = '', leased_until = 0
      WHERE endpoint_id = $1 AND status <> 'pending'
        AND (CASE WHEN $2::text[] IS NULL THEN status = 'failed' ELSE id = ANY ($2::text[]) END)
      RETURNING id`,
  };
}
