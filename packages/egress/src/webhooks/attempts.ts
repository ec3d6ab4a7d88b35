import type { ClaimedDelivery, DeliveryResult, WebhookEndpoint } from '@apisec/core';
import { parseAddress, parseUrl } from '@apisec/core/host';
import { type EgressError, isEgressError } from '../fetch/egress-error.ts';
import type { SafeFetch } from '../fetch/safe-fetch.ts';
import type { SigningKeys } from './signing-keys.ts';

/** What attempts need, with all defaults. */
export interface AttemptSettings {
  readonly fetch: SafeFetch;
  readonly keys: SigningKeys;
  /** Waits between attempts, in milliseconds. */
  readonly waits: readonly number[];
  readonly maxRetryAfterMs: number;
  /** How long a delivery is held; no attempt takes longer. */
  readonly leaseMs: number;
  readonly onFault: (error: unknown) => void;
  readonly random: () => number;
  readonly now: () => number;
}

/** Sends signed messages. */
export interface Attempts {
  /** Posts a message to an endpoint. Rejects where nothing was answered in time. */
  readonly post: (endpoint: WebhookEndpoint, messageId: string, body: string) => Promise<Response>;
  /** Attempts a delivery once, and says how that ended. Never rejects. */
  readonly deliver: (delivery: ClaimedDelivery) => Promise<DeliveryResult>;
}

/** Where a delivery has no more waits of its own, and was denied here for the moment. */
const LOCAL_WAIT_MS = 60_000;
/** A key of the endpoint cannot be opened: the operator's affair, and tried again. */
const UNSIGNABLE = 'webhook.secret_unreadable';

interface Ended {
  /** 0 where nothing was answered. */
  readonly status: number;
  readonly outcome: string;
  readonly retryAfter: string | null;
  /** It ended here: for as long as the configuration stays, or for the moment. */
  readonly deniedHere?: 'lasting' | 'passing' | undefined;
}

export function attempts(settings: AttemptSettings): Attempts {
  const { fetch, keys, waits, maxRetryAfterMs, leaseMs, onFault, random, now } = settings;
  // What takes longer than its lease would be sent by two workers at once, and out of its order.
  const longestMs = Math.ceil(leaseMs * 0.8);

  const signed = async (endpoint: WebhookEndpoint, messageId: string, body: string) => {
    const at = now();
    const seconds = Math.floor(at / 1_000);
    return {
      'content-type': 'application/json',
      'webhook-id': messageId,
      'webhook-timestamp': String(seconds),
      'webhook-signature': await keys.sign(endpoint, `${messageId}.${seconds}.${body}`, at),
    };
  };
  const send = ({ url }: WebhookEndpoint, headers: Record<string, string>, body: string) => {
    const signal = AbortSignal.timeout(longestMs);
    return fetch(url, { method: 'POST', redirect: 'manual', headers, body, signal });
  };

  const attempt = async ({ endpoint, messageId, body }: ClaimedDelivery): Promise<Ended> => {
    let headers: Record<string, string>;
    try {
      headers = await signed(endpoint, messageId, body);
    } catch (error) {
      onFault(error);
      return { status: 0, outcome: UNSIGNABLE, retryAfter: null };
    }
    try {
      const response = await send(endpoint, headers, body);
      // Nothing of it is wanted, but its connection is.
      await response.arrayBuffer().catch(() => undefined);
      const { status } = response;
      return { status, outcome: String(status), retryAfter: response.headers.get('retry-after') };
    } catch (error) {
      if (!isEgressError(error))
        return { status: 0, outcome: 'egress.connection_failed', retryAfter: null };
      const deniedHere = denialHere(error, endpoint.url);
      return { status: 0, outcome: error.code, retryAfter: null, deniedHere };
    }
  };

  return {
    post: async (endpoint, messageId, body) =>
      send(endpoint, await signed(endpoint, messageId, body), body),
    deliver: async (delivery) => {
      const { status, outcome, retryAfter, deniedHere } = await attempt(delivery);
      const { id, lease, endpointId } = delivery;
      const isLocal = deniedHere !== undefined;
      const base = { id, lease, endpointId, outcome, dueAtMs: now(), ...(isLocal && { isLocal }) };
      if (deniedHere === 'lasting') return { ...base, status: 'failed' };
      if (status >= 200 && status <= 299) return { ...base, status: 'delivered' };
      if (status === 410) return { ...base, status: 'failed', isGone: true };
      const wait = waits[delivery.attempt - 1] ?? (isLocal ? LOCAL_WAIT_MS : undefined);
      if (wait === undefined) return { ...base, status: 'failed' };
      // Half of it to all of it, so that what failed together does not come back together.
      const jittered = wait * (0.5 + random() / 2);
      const asked = Math.min(retryAfterMs(retryAfter, now()), maxRetryAfterMs);
      return { ...base, status: 'pending', dueAtMs: Math.ceil(now() + Math.max(jittered, asked)) };
    },
  };
}

/** RFC 9110 §10.2.3: seconds or a date; nothing else asks for anything. */
function retryAfterMs(header: string | null, now: number): number {
  if (header === null) return 0;
  if (/^\d{1,10}$/.test(header)) return Number(header) * 1_000;
  const date = /^[A-Z][a-z]{2}, /.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? 0 : Math.max(0, date - now);
}

/**
 * Whether an attempt was denied here: `lasting` where the URL or the request is at fault, which the next attempt would
 * be as well, `passing` where this process could not call anybody. A name that leads to an address which may not be
 * reached is neither: its owner can mend that, and does so within the usual attempts.
 */
function denialHere({ denial }: EgressError, url: string): Ended['deniedHere'] {
  if (denial.kind === 'unavailable') return 'passing';
  if (denial.kind !== 'forbidden' && denial.kind !== 'malformed') return undefined;
  if (denial.code !== 'egress.address_not_allowed') return 'lasting';
  const host = parseUrl(url)?.hostname.replace(/^\[|\]$/g, '') ?? '';
  return parseAddress(host) === undefined ? undefined : 'lasting';
}
