import { stateOf } from '@apisec/core/host';
import { deniedResult } from './denial-error.ts';
import type { HostedOperation } from './hosted-operation.ts';
import { editHeaders } from './operation-answer.ts';
import { BATCH, type Batch, newBatch } from './operation-batch.ts';
import { assertOperations } from './yoga-params.ts';

/** One HTTP request, and the operations that came in it. */
export interface YogaRequest {
  /** Where there may be several. */
  readonly batch: Batch | undefined;
  readonly operations: HostedOperation[];
}

const requests = stateOf<YogaRequest>('apisec.yoga-request');

export function requestedBy(request: Request): YogaRequest {
  const known = requests.get(request);
  if (known) return known;
  const made: YogaRequest = { batch: undefined, operations: [] };
  requests.set(request, made);
  return made;
}

/**
 * Makes one batch of the operations of a request, whatever has read them. Of more than may come together the first
 * stands for all of them, so that the others cost nothing.
 */
export function batched<Params>(request: Request, params: Params, maxBatch: number): Params {
  if (!Array.isArray(params)) return params;
  assertOperations(params);
  const batch = newBatch();
  requests.set(request, { batch, operations: [] });
  if (params.length <= maxBatch) return params;
  batch.isTooLarge = true;
  return params.slice(0, 1) as Params;
}

/** Once all operations of a request are answered. */
export function endRequest(request: Request, headers: Headers): void {
  const { operations } = requestedBy(request);
  for (const { forget } of operations) forget();
  editHeaders(operations, headers);
}

/** Gives a batch of denied operations the status of its first denial. Yoga answers every batch with 200. */
export function setBatchStatus(request: Request, result: unknown): void {
  if (!Array.isArray(result)) return;
  const { batch, operations } = requestedBy(request);
  const denials = operations.map(({ state }) => state.denial);
  const isDenied = denials.length === result.length && !denials.includes(undefined);
  // Yoga may have found the first of those that are too many wrong by itself, so that nobody decided it.
  const denial = isDenied ? denials[0] : batch?.isTooLarge ? BATCH : undefined;
  if (denial === undefined) return;
  const { extensions } = deniedResult(denial);
  // Where Yoga looks for the status of what it sends; not a member of the list.
  Object.defineProperty(result, 'extensions', { value: extensions });
}
