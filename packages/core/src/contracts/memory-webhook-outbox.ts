import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions } from '../lib/options.ts';
import type {
  ClaimedDelivery,
  ClaimShares,
  WebhookDeliveryRecord,
  WebhookEndpoint,
  WebhookOutbox,
} from './webhook-outbox.ts';

/** Options of {@link memoryWebhookOutbox}. */
export interface MemoryWebhookOutboxOptions {
  /** Deliveries that can be kept; delivered ones make room, and then it is full. Default: 100,000. */
  readonly capacity?: number | undefined;
  /**
   * Epoch milliseconds: a clock that all callers share, whatever theirs show. Default: each call goes by the clock of
   * its caller, which is one in one process.
   */
  readonly now?: (() => number) | undefined;
}

type Row = { -readonly [Name in keyof WebhookDeliveryRecord]: WebhookDeliveryRecord[Name] } & {
  lease: string;
  leasedUntilMs: number;
};

interface Endpoint {
  value: WebhookEndpoint;
  failures: number;
  pausedUntilMs: number;
}

/**
 * An outbox in this process, for tests and for messages that may be lost with it; PostgreSQL keeps them
 * (`postgresWebhookOutbox`).
 *
 * @throws ConfigurationError when `capacity` is not a whole number above 0.
 * @example
 * const outbox = memoryWebhookOutbox();
 */
export function memoryWebhookOutbox(options: MemoryWebhookOutboxOptions = {}): WebhookOutbox {
  assertKnownOptions('memoryWebhookOutbox', options, ['capacity', 'now']);
  const { capacity = 100_000, now } = options;
  assertConfiguration(
    Number.isInteger(capacity) && capacity >= 1,
    'memoryWebhookOutbox: capacity must be a whole number of deliveries, at least 1.',
  );
  assertConfiguration(
    now === undefined || typeof now === 'function',
    'memoryWebhookOutbox: now must be a function that answers epoch milliseconds.',
  );
  /** What the clock shows that counts here, where that of a caller shows `callersMs`. */
  const presentAt = (callersMs: number): number => (now === undefined ? callersMs : now());
  const endpoints = new Map<string, Endpoint>();
  /** In the order in which they were added. */
  const rows = new Map<string, Row>();

  const makeRoom = (wanted: number): void => {
    for (const [id, row] of rows) {
      if (rows.size + wanted <= capacity) return;
      if (row.status === 'delivered') rows.delete(id);
    }
    if (rows.size + wanted > capacity) throw new Error('memoryWebhookOutbox: full.');
  };

  return Object.freeze<WebhookOutbox>({
    insertEndpoint: (value) => {
      if (endpoints.has(value.id)) return false;
      endpoints.set(value.id, { value, failures: 0, pausedUntilMs: 0 });
      return true;
    },
    replaceEndpoint: (value, expected) => {
      const known = endpoints.get(value.id);
      if (known?.value.version !== expected) return false;
      if (known.value.status !== value.status) known.pausedUntilMs = 0;
      known.value = value;
      return true;
    },
    getEndpoint: (id) => endpoints.get(id)?.value,
    add: (deliveries) => {
      const fresh = new Map(
        deliveries.filter(({ id }) => !rows.has(id)).map((each) => [each.id, each]),
      );
      makeRoom(fresh.size);
      for (const each of fresh.values()) {
        const createdAtMs = presentAt(each.createdAtMs);
        rows.set(each.id, {
          ...each,
          createdAtMs,
          status: 'pending',
          attempts: 0,
          dueAtMs: createdAtMs,
          lease: '',
          leasedUntilMs: 0,
        });
      }
      return fresh.size;
    },
    claim: ({ limit, nowMs: callersMs, leaseMs, shares }) => {
      const nowMs = presentAt(callersMs);
      const busy = new Set<string>();
      const due: [Row, WebhookEndpoint][] = [];
      for (const row of rows.values()) {
        if (row.status !== 'pending') continue;
        const order = row.orderKey === undefined ? undefined : `${row.endpointId}\n${row.orderKey}`;
        const waits = order !== undefined && busy.has(order);
        if (order !== undefined) busy.add(order);
        const endpoint = endpoints.get(row.endpointId);
        if (waits || row.dueAtMs > nowMs || row.leasedUntilMs > nowMs) continue;
        if (endpoint?.value.status === 'active' && endpoint.pausedUntilMs <= nowMs)
          due.push([row, endpoint.value]);
      }
      const lease = crypto.randomUUID();
      const isWithin = withinShares(shares);
      return due
        .toSorted(([one], [other]) => one.dueAtMs - other.dueAtMs)
        .filter(([, endpoint]) => isWithin(endpoint))
        .slice(0, limit)
        .map(([row, endpoint]): ClaimedDelivery => {
          row.lease = lease;
          row.leasedUntilMs = nowMs + leaseMs;
          row.attempts += 1;
          const { id, messageId, endpointId, body, orderKey, createdAtMs, attempts } = row;
          return {
            id,
            messageId,
            endpointId,
            body,
            orderKey,
            createdAtMs,
            attempt: attempts,
            lease,
            endpoint,
          };
        });
    },
    record: (results, circuit, callersMs) => {
      const aheadMs = presentAt(callersMs) - callersMs;
      for (const { id, lease, status, dueAtMs, outcome, isGone, isLocal } of results) {
        const row = rows.get(id);
        if (row === undefined || row.lease !== lease || row.status !== 'pending') continue;
        Object.assign(row, {
          status,
          dueAtMs: dueAtMs + aheadMs,
          lastOutcome: outcome,
          lease: '',
          leasedUntilMs: 0,
        });
        if (isLocal === true) {
          row.attempts -= 1;
          continue;
        }
        const endpoint = endpoints.get(row.endpointId);
        if (endpoint === undefined) continue;
        endpoint.failures = status === 'delivered' ? 0 : endpoint.failures + 1;
        if (endpoint.failures >= circuit.failures)
          endpoint.pausedUntilMs = circuit.pauseUntilMs + aheadMs;
        if (isGone === true)
          endpoint.value = {
            ...endpoint.value,
            status: 'disabled',
            reason: 'gone',
            version: crypto.randomUUID(),
          };
      }
    },
    list: ({ endpointId, status, limit }) =>
      [...rows.values()]
        .filter(
          (row) => row.endpointId === endpointId && (status === undefined || row.status === status),
        )
        .toReversed()
        .slice(0, limit)
        .map(({ lease: _lease, leasedUntilMs: _until, ...row }) => row),
    replay: ({ endpointId, ids, nowMs }) => {
      let count = 0;
      for (const row of rows.values()) {
        const isMeant = ids === undefined ? row.status === 'failed' : ids.includes(row.id);
        if (row.endpointId !== endpointId || row.status === 'pending' || !isMeant) continue;
        Object.assign(row, { status: 'pending', attempts: 0, dueAtMs: presentAt(nowMs) });
        count += 1;
      }
      return count;
    },
    prune: ({ endedBeforeMs, nowMs, limit }) => {
      const before = endedBeforeMs - nowMs + presentAt(nowMs);
      const old = [...rows.values()]
        .filter(({ status, dueAtMs }) => status !== 'pending' && dueAtMs < before)
        .toSorted((one, other) => one.dueAtMs - other.dueAtMs)
        .slice(0, limit);
      for (const { id } of old) rows.delete(id);
      return old.length;
    },
  });
}

/** Counts what each endpoint and each tenant gets, and says whether that is within its share. */
function withinShares(shares: ClaimShares | undefined): (endpoint: WebhookEndpoint) => boolean {
  if (shares === undefined) return () => true;
  const endpoints = new Map(shares.endpoints);
  const tenants = new Map(shares.tenants);
  return ({ id, tenant }) => {
    const ofEndpoint = endpoints.get(id) ?? shares.perEndpoint;
    const ofTenant = tenants.get(tenant) ?? shares.perTenant;
    if (ofEndpoint < 1 || ofTenant < 1) return false;
    endpoints.set(id, ofEndpoint - 1);
    tenants.set(tenant, ofTenant - 1);
    return true;
  };
}
