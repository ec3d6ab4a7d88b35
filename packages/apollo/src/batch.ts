import type { Denial } from '@apisec/core';
import { graphqlDenial, httpDenial } from '@apisec/core/host';
import { type Batch, denialError, newBatch } from '@apisec/graphql';
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
  /** How many there are. */
  sent: number;
  readonly never: Promise<undefined>;
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
  const never = new Promise<undefined>(() => undefined);
  const counts = { sent: 0, ended: 0, denied: 0, denial: undefined, own: undefined };
  const value: HttpBatch = { operations: newBatch(), never, ...counts };
  // Not enumerable: Apollo spreads the head into its answer.
  Object.defineProperty(head, BATCH, { value });
  return value;
}

/**
 * Counts an operation of a batch. Apollo begins all of them in one turn, so that in the next it is known how many there
 * are. Of a batch that is too large the first is decided for all; the others are not gone on with.
 */
export async function joinBatch(batch: HttpBatch, maxBatch: number): Promise<void> {
  const position = batch.sent++;
  // A promise of another batch would keep everything that waits for it.
  if (position >= maxBatch) return batch.never;
  await Promise.resolve();
  if (batch.sent <= maxBatch) return undefined;
  batch.operations.isTooLarge = true;
  return position === 0 ? undefined : batch.never;
}

/**
 * Answers a batch that is too large with the denial of its first operation. Apollo waits for all operations of a batch
 * unless one of them throws, which an error may do while it is written.
 */
export function rejectBatch({ response }: Sending, denial: Denial): void {
  const { http } = response;
  const errors = [graphqlDenial(denial)];
  Object.defineProperty(errors, 'toJSON', {
    value: () => {
      const error = denialError(denial);
      // Apollo takes status and headers from it.
      Object.assign(error.extensions, { http });
      throw error;
    },
  });
  response.body = { kind: 'single', singleResult: { errors } };
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
