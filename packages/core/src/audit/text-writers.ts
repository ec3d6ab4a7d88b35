import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { AuditSink } from './sink.ts';

type TextWriter = (text: string) => MaybePromise<void>;

/** By the `write` of a sink: one whose `write` was replaced takes events. */
const writers = new WeakMap<AuditSink['write'], TextWriter>();

/** Says that a sink with this `write` takes whole lines of JSON as well. */
export function takeText(write: AuditSink['write'], writeText: TextWriter): void {
  writers.set(write, writeText);
}

/** Undefined where a sink takes events alone. */
export function textWriterOf(sink: AuditSink): TextWriter | undefined {
  return writers.get(sink.write);
}
