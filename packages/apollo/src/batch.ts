import type { Denial } from '@apisec/core';
import { httpDenial } from '@apisec/core/host';
import { type Batch, newBatch } from '@apisec/graphql';
import type { GraphQLRequestContextWillSendResponse } from '@apollo/server';

type Sending = Pick<GraphQLRequestContextWillSendResponse<object>, 'response' | 'errors'>;
type Head = Sending['response']['http'];

/** The operations of one HTTP request, which share one status and one set of headers. */
export interface HttpBatch {
  readonly operations: Batch;
  /** Who waits for the caller to disconnect: one HTTP request is one call of its connection. */
  readonly waiting: Set<() => void>;
  forget: (() => void) | undefined;
  ended: number;
  denied: number;
  /** The status of the first denial, and what Apollo makes of the operations that were not denied. */
  denial: number | undefined;
  own: number | undefined;
}

const BATCH = Symbol('apisec.batch');
interface Carrier {
  [BATCH]?: HttpBatch;
}

/** The batch that this response is for, by the head that Apollo shares between its operations. */
export function batchOf(head: Head): HttpBatch {
  const carrier = head as Carrier;
  const known = carrier[BATCH];
  if (known) return known;
  const value: HttpBatch = {
    operations: newBatch(),
    waiting: new Set(),
    forget: undefined,
    ended: 0,
    denied: 0,
    denial: undefined,
    own: undefined,
  };
  // Not enumerable: Apollo spreads the head into its answer.
  Object.defineProperty(carrier, BATCH, { value });
  return value;
}

/** Waits for the caller on behalf of one operation; the first of a batch waits for all of them. */
export function waitIn(
  batch: HttpBatch | undefined,
  disconnected: () => void,
  wait: (disconnected: () => void) => () => void,
): () => void {
  if (batch === undefined) return wait(disconnected);
  const { waiting } = batch;
  const listener = (): void => disconnected();
  waiting.add(listener);
  if (batch.operations.begun === 1) {
    batch.forget = wait(() => {
      for (const each of waiting) each();
    });
  }
  return () => {
    waiting.delete(listener);
    if (waiting.size === 0) batch.forget?.();
  };
}

/**
 * The status of a batch is that of its denials where every operation was denied; otherwise whatever Apollo gives to
 * the others, as for errors of resolvers.
 */
export function settleStatus(
  batch: HttpBatch,
  { response, errors }: Sending,
  denial: Denial | undefined,
): void {
  batch.ended++;
  const { http, body } = response;
  if (denial) {
    batch.denied++;
    batch.denial ??= httpDenial({ ...denial, answer: undefined }).status;
  } else {
    for (const { extensions } of errors ?? []) {
      const { http: named } = extensions as { readonly http?: { readonly status?: unknown } };
      if (typeof named?.status === 'number') batch.own = named.status;
    }
    if (body.kind === 'single' && body.singleResult.data === undefined) batch.own ??= http.status;
  }
  // Every operation of a batch has begun before the first of them ends.
  if (batch.ended < batch.operations.begun) return;
  Object.assign(http, { status: batch.denied === batch.ended ? batch.denial : batch.own });
}
