import { randomUUID } from 'node:crypto';
import type { WebhookDelivery } from '@apisec/core';
import { ID } from './endpoints.ts';

/** A message to send. */
export interface WebhookMessage {
  readonly endpointId: string;
  /** For example `order.paid`. */
  readonly type: string;
  readonly data: unknown;
  /** Give your own to send a message once however often you call; default: a new one. */
  readonly id?: string | undefined;
  /** Messages of one endpoint with the same key arrive in their order. */
  readonly orderKey?: string | undefined;
}

const LONGEST_BODY = 1_000_000;

/** The delivery that a message becomes. */
export function deliveryOf(where: string, message: WebhookMessage, at: number): WebhookDelivery {
  const { endpointId, type, data, id = `msg_${randomUUID()}`, orderKey } = message;
  if (!ID.test(id))
    throw new TypeError(`${where}: the id of a message must be 1 to 128 letters, digits, _ and -.`);
  const body = JSON.stringify({ type, timestamp: new Date(at).toISOString(), data });
  if (body.length > LONGEST_BODY)
    throw new RangeError(`${where}: a message may have at most ${LONGEST_BODY} characters.`);
  return { id: `${endpointId}:${id}`, messageId: id, endpointId, body, orderKey, createdAtMs: at };
}
