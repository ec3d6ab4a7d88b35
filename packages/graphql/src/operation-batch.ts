import type { Denial } from '@apisec/core';
import type { Caller } from './decide-operation.ts';
import { type DocumentWork, newWork } from './limits/document-work.ts';
import type { BatchRuns } from './operation-runs.ts';

/** The operations of one HTTP request. */
export interface Batch {
  readonly runs: BatchRuns;
  caller: Caller | undefined;
  begun: number;
  /** Known where the server says how many there are before the first is decided. */
  isTooLarge: boolean;
  /** Of all documents and variables. */
  readonly work: DocumentWork;
  /** Of the operations that were admitted so far. */
  cost: number;
  /** Operations that want to hear it when the caller disconnects, and how the request stops waiting for that. */
  readonly waiting: Set<() => void>;
  isGone: boolean;
  forget: (() => void) | undefined;
}

export function newBatch(): Batch {
  return {
    runs: new Map(),
    caller: undefined,
    begun: 0,
    isTooLarge: false,
    work: newWork(),
    cost: 0,
    waiting: new Set(),
    isGone: false,
    forget: undefined,
  };
}

/** A batch that holds too many operations runs none of them. */
export const BATCH: Denial = Object.freeze({
  kind: 'malformed',
  code: 'batch.too_large',
  detail: 'The batch holds more operations than are taken here.',
});
