import { withinTime } from '../lib/clock.ts';
import { isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import type { QueueBounds } from './audit-options.ts';
import { LARGEST_EVENT_BYTES } from './event.ts';
import type { PendingEvent } from './pending-event.ts';
import type { AuditDelivery, AuditSink, AuditSinkStats } from './sink.ts';

/** Priorities: events that an attacker can cause without limit never take the place of an act. */
export type Importance = 'allowed' | 'denied' | 'act';

/** The part of the bounds that each may fill. */
const SHARE: Readonly<Record<Importance, number>> = { allowed: 0.7, denied: 0.9, act: 1 };
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;
/** The least time for a sink to close, even if writing the waiting events took all the time. */
const LEAST_TO_CLOSE_MS = 100;
/** Writes that did not end in time may still hold their batch. */
const MOST_ABANDONED = 3;

type Done = (written: boolean) => void;
type Write = (delivery: AuditDelivery) => MaybePromise<void>;

/** The events of one write, which are tried again if it fails. */
interface Batch {
  readonly count: number;
  readonly bytes: number;
  readonly awaited: readonly Done[];
  /** Dropped once converted for the sink: objects that live as long as a slow write are expensive to collect. */
  events: readonly PendingEvent[];
  write: Write | undefined;
}

/** One sink and the events that wait for it, bounded whatever the sink does. */
export interface SinkQueue {
  readonly sink: AuditSink;
  /** False, and counted as lost, where there is no room. */
  readonly push: (pending: PendingEvent, importance: Importance, done?: Done) => boolean;
  /** Keeps a place for one event to come; false while the sink fails or has no room. */
  readonly reserve: () => boolean;
  /** Gives the place back: to be called right before the `push` that it was kept for. */
  readonly release: () => void;
  /** Resolves when nothing waits any more, or the time is over. */
  readonly drained: (withinMs: number) => Promise<boolean>;
  readonly close: (withinMs: number) => Promise<void>;
  readonly stats: () => AuditSinkStats;
}

/** What a queue needs of its audit. */
export interface QueueHost {
  readonly writer: string;
  /** Makes of events what the sink takes; the answer gives it to the sink. */
  readonly prepare: (sink: AuditSink, events: readonly PendingEvent[]) => MaybePromise<Write>;
  /** The event that says how many were lost. */
  readonly lossOf: (sink: string, lost: number) => PendingEvent;
  readonly onFault: (cause: unknown) => void;
  readonly waitUntil: ((work: Promise<void>) => void) | undefined;
}

export function sinkQueue(sink: AuditSink, bounds: QueueBounds, host: QueueHost): SinkQueue {
  /** In order. */
  const waiting: PendingEvent[] = [];
  /** Those that a caller waits for: few, so that the others need no object here. */
  const awaited = new Map<PendingEvent, Done>();
  /** Taken out of `waiting` until it is written. */
  let batch: Batch | undefined;
  let bytes = 0;
  let reserved = 0;
  let accepted = 0;
  let written = 0;
  let lost = 0;
  let toldLost = 0;
  let failures = 0;
  let abandoned = 0;
  let closed = false;
  let running = false;
  /** Somebody waits for what waits, or it fills a batch. */
  let hurried = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isTimerUrgent = false;
  let wake: (() => void) | undefined;

  const count = (): number => waiting.length + (batch?.count ?? 0);
  const isBatchFull = (): boolean => waiting.length >= bounds.maxBatch;
  const hasRoom = (size: number, share: number): boolean =>
    count() + reserved < bounds.maxEvents * share &&
    bytes + reserved * LARGEST_EVENT_BYTES + size <= bounds.maxBytes * share;

  const push: SinkQueue['push'] = (pending, importance, done) => {
    if (closed || !hasRoom(pending.size, SHARE[importance])) {
      lost++;
      done?.(false);
      return false;
    }
    waiting.push(pending);
    if (done !== undefined) awaited.set(pending, done);
    bytes += pending.size;
    accepted++;
    // An act is awaited; a full batch gains nothing by waiting.
    schedule(done !== undefined || isBatchFull() ? 0 : bounds.flushMs);
    return true;
  };

  const schedule = (inMs: number): void => {
    const isUrgent = inMs === 0;
    hurried ||= isUrgent;
    if (running || (timer !== undefined && (isTimerUrgent || !isUrgent))) return;
    clearTimeout(timer);
    isTimerUrgent = isUrgent;
    const begin = (): void => {
      timer = undefined;
      if (running) return;
      running = true;
      const work = drain().finally(() => {
        running = false;
        if (count() > 0 && !closed) schedule(hurried || isBatchFull() ? 0 : bounds.flushMs);
      });
      host.waitUntil?.(work);
    };
    timer = setTimeout(begin, inMs);
  };

  /**
   * Goes on until what is left can wait for more to come: each write costs far more than an event in it. What came
   * within one turn of the event loop waits for the next one, or a sink that records acts itself would leave none.
   */
  const drain = async (): Promise<void> => {
    let hasTurned = eventLoop();
    for (let left = count(); left > 0; ) {
      batch ??= takeBatch();
      if (waiting.length === 0) hurried = false;
      if (await attempt(batch)) {
        failures = 0;
        left -= batch.count;
        forget(batch);
        tellLoss();
        if (!hurried && !isBatchFull()) return;
        if (left <= 0 && hasTurned()) {
          left = count();
          hasTurned = eventLoop();
        }
      } else {
        failures++;
        if (closed) return;
        await pause(Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS));
      }
    }
    if (count() === 0) hurried = false;
  };

  const takeBatch = (): Batch => {
    // Out of the list at once: what stays in it until there is a time when nothing waits grows old.
    const events = waiting.splice(0, bounds.maxBatch);
    const dones: Done[] = [];
    let size = 0;
    for (const each of events) {
      size += each.size;
      const done = awaited.size > 0 ? awaited.get(each) : undefined;
      if (done === undefined) continue;
      awaited.delete(each);
      dones.push(done);
    }
    return { count: events.length, bytes: size, awaited: dones, events, write: undefined };
  };

  /** One write, which may fail in any way. */
  const attempt = async (offered: Batch): Promise<boolean> => {
    if (abandoned >= MOST_ABANDONED) return false;
    const controller = new AbortController();
    let late: ReturnType<typeof setTimeout> | undefined;
    try {
      let { write } = offered;
      if (write === undefined) {
        const prepared = host.prepare(sink, offered.events);
        write = isThenable(prepared) ? await prepared : prepared;
        offered.write = write;
        offered.events = NONE;
      }
      const { writer } = host;
      const answer = write({ signal: controller.signal, writer, accepted, lost });
      if (!isThenable(answer)) return true;
      const writing = Promise.resolve(answer);
      const timeout = new Promise<'late'>((resolve) => {
        late = setTimeout(() => resolve('late'), bounds.timeoutMs);
      });
      if ((await Promise.race([writing, timeout])) !== 'late') return true;
      abandoned++;
      const settled = (): void => void abandoned--;
      writing.then(settled, settled);
      const overdue = new Error(
        `audit: sink "${sink.name}" did not answer in ${bounds.timeoutMs} ms`,
      );
      controller.abort(overdue);
      host.onFault(overdue);
      return false;
    } catch (cause) {
      host.onFault(cause);
      return false;
    } finally {
      clearTimeout(late);
    }
  };

  const forget = (acknowledged: Batch): void => {
    batch = undefined;
    written += acknowledged.count;
    bytes -= acknowledged.bytes;
    for (const done of acknowledged.awaited) done(true);
  };

  /** When the sink accepts events again, it learns how many it missed. */
  const tellLoss = (): void => {
    if (lost === toldLost || closed) return;
    const loss = host.lossOf(sink.name, lost - toldLost);
    if (!hasRoom(loss.size, 1)) return;
    toldLost = lost;
    push(loss, 'act');
  };

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const over: unknown = setTimeout(resolve, ms);
      // A sink that is down does not keep a process alive. Node has objects where the web has numbers.
      (over as { readonly unref?: () => void }).unref?.();
      wake = () => {
        clearTimeout(over as number);
        resolve();
      };
    });

  const drained: SinkQueue['drained'] = async (withinMs) => {
    const end = performance.now() + withinMs;
    schedule(0);
    while (count() > 0 && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return count() === 0;
  };

  /** No longer: a process must be able to end even if a sink does not. */
  const closeSink = async (leftMs: number, withinMs: number): Promise<void> => {
    try {
      const closing = sink.close?.();
      if (!isThenable(closing)) return;
      const overdue = `audit: sink "${sink.name}" did not close in ${withinMs} ms`;
      await withinTime(Promise.resolve(closing), leftMs, overdue);
    } catch (cause) {
      host.onFault(cause);
    }
  };

  return {
    sink,
    push,
    drained,
    reserve: () => {
      if (closed || failures > 0 || !hasRoom(LARGEST_EVENT_BYTES, SHARE.denied)) return false;
      reserved++;
      return true;
    },
    release: () => {
      reserved--;
    },
    close: async (withinMs) => {
      const end = performance.now() + withinMs;
      wake?.();
      await drained(withinMs);
      closed = true;
      clearTimeout(timer);
      wake?.();
      for (const done of [...(batch?.awaited ?? []), ...awaited.values()]) done(false);
      await closeSink(Math.max(end - performance.now(), LEAST_TO_CLOSE_MS), withinMs);
    },
    stats: () => ({
      name: sink.name,
      queued: count(),
      queuedBytes: bytes,
      written,
      lost,
      healthy: failures === 0,
    }),
  };
}

const NONE: readonly PendingEvent[] = Object.freeze([]);

/** Whether the event loop has turned since. */
function eventLoop(): () => boolean {
  let hasTurned = false;
  setTimeout(() => {
    hasTurned = true;
  }, 0);
  return () => hasTurned;
}
