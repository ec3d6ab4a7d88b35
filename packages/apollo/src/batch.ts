import type { Denial } from '@apisec/core';
import { httpDenial } from '@apisec/core/host';
import { type Batch, newBatch } from '@apisec/graphql';
import type { GraphQLRequestContextWillSendResponse } from '@apollo/server';

/** What Apollo is about to send. */
export type Sending = Pick<
  GraphQLRequestContextWillSendResponse<object>,
  'response' | 'errors' | 'overallCachePolicy'
>;

type Head = Sending['response']['http'];

/** The operations of one HTTP request, which share one status and one set of headers. */
export interface HttpBatch {
  readonly operations: Batch;
  ended: number;
  denied: number;
  /** The status of the first denial, and what Apollo makes of the operations that were not denied. */
  denial: number | undefined;
  own: number | undefined;
}

const BATCH: unique symbol = Symbol('apisec.batch');

/** The batch that this response is for, by the head that Apollo shares between its operations. */
export function batchOf(head: Head & { [BATCH]?: HttpBatch }): HttpBatch {
  const known = head[BATCH];
  if (known) return known;
  const operations = newBatch();
  const value = { operations, ended: 0, denied: 0, denial: undefined, own: undefined };
  // Not enumerable: Apollo spreads the head into its answer.
  Object.defineProperty(head, BATCH, { value });
  return value;
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
