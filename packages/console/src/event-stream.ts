import { later } from '@apisec/core/host';
import type { FeedView } from './console-feed.ts';
import type { Snapshot, Tick } from './wire.ts';

/** Bounds of {@link eventStreams}. */
export interface StreamBounds {
  readonly maxStreams: number;
  readonly maxStreamsPerCaller: number;
  readonly intervalMs: number;
  readonly maxStreamMs: number;
}

/** Streams that are open. */
export interface EventStreams {
  /**
   * A stream for this caller, undefined where nobody knows who it is: all of those count as one caller here. Where all
   * places are taken, the oldest stream of the caller with most of them ends, if that one still has as many as this
   * one then. Without a place it says whose places are taken: those of `everybody`, or the `caller`'s own.
   */
  readonly open: (
    caller: string | undefined,
  ) => ReadableStream<Uint8Array> | 'everybody' | 'caller';
}

interface Stream {
  readonly caller: string | undefined;
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  /** Ticks until it ends; no clock that is set back makes it last longer. */
  left: number;
  /** Events up to here were sent. */
  cursor: number;
  /** The reader did not keep up, and gets a new snapshot. */
  behind: boolean;
  /** Ticks that were left out one after the other. */
  skipped: number;
}

const SNAPSHOT_EVENTS = 300;
/** More than anybody can read in a second. */
const TICK_EVENTS = 50;
const MOST_SKIPPED = 30;
const RECENT_SECONDS = 3;
const encoder = new TextEncoder();

/**
 * Server-sent events for the pages that are open. One timer for all, and only while there are some. A reader who does
 * not keep up is sent nothing more until it has read what it was sent, so that at most one message waits for it; one
 * who reads nothing for thirty ticks is let go of. Messages are made once for all who are sent the same, and what a
 * stream begins with once in an interval, however many come. Streams end after `maxStreamMs`: browsers come again, and
 * are decided anew. No caller takes the places of all others, nor do
 * a few together.
 */
export function eventStreams(
  feed: FeedView,
  sinks: () => Snapshot['sinks'],
  { maxStreams, maxStreamsPerCaller, intervalMs, maxStreamMs }: StreamBounds,
): EventStreams {
  const streams = new Set<Stream>();
  let timer: ReturnType<typeof setInterval> | undefined;

  const state = () => {
    const now = feed.now();
    return {
      now,
      codes: feed.codes.top(now, 12),
      degraded: feed.degraded.top(now, 12),
      shadow: feed.shadow.top(now, 50),
      sinks: sinks(),
    };
  };

  let snapshot: { readonly text: Uint8Array; readonly count: number } | undefined;
  const sendSnapshot = (stream: Stream): void => {
    if (snapshot === undefined) {
      const all: Snapshot = {
        ...state(),
        since: feed.since,
        seconds: feed.seconds(),
        events: feed.events.since(0, SNAPSHOT_EVENTS),
      };
      snapshot = { text: message('snapshot', all), count: feed.events.count() };
      later(() => (snapshot = undefined), intervalMs);
    }
    stream.behind = false;
    send(stream, snapshot.text, snapshot.count);
  };

  const send = (stream: Stream, text: Uint8Array, count: number): void => {
    stream.cursor = count;
    stream.controller.enqueue(text);
  };

  const remove = (stream: Stream): void => {
    streams.delete(stream);
    if (streams.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };

  const advance = (stream: Stream, tickFrom: (cursor: number) => Uint8Array): void => {
    if (--stream.left <= 0 || stream.skipped > MOST_SKIPPED) {
      remove(stream);
      return stream.controller.close();
    }
    if ((stream.controller.desiredSize ?? 0) <= 0) {
      stream.behind = true;
      stream.skipped++;
      return;
    }
    stream.skipped = 0;
    if (stream.behind) return sendSnapshot(stream);
    send(stream, tickFrom(stream.cursor), feed.events.count());
  };

  const tick = (): void => {
    const shared = state();
    const seconds = feed.seconds(Math.floor(shared.now / 1_000) - RECENT_SECONDS);
    const count = feed.events.count();
    const made = new Map<number, Uint8Array>();
    const tickFrom = (cursor: number): Uint8Array => {
      const known = made.get(cursor);
      if (known !== undefined) return known;
      const events = feed.events.since(cursor, TICK_EVENTS);
      const left = count - cursor - events.length;
      const text = message('tick', { ...shared, seconds, events, left });
      made.set(cursor, text);
      return text;
    };
    for (const stream of streams) {
      try {
        advance(stream, tickFrom);
      } catch {
        // The reader went away at this moment.
        remove(stream);
      }
    }
  };

  const openOf = (caller: string): number =>
    Array.from(streams).filter((stream) => stream.caller === caller).length;

  /** Callers who would only change places do not: pages that gave way ask again, and that would never end. */
  const makeRoom = (caller: string | undefined): boolean => {
    const counts = new Map<string | undefined, number>();
    for (const { caller: each } of streams) counts.set(each, (counts.get(each) ?? 0) + 1);
    let count = (counts.get(caller) ?? 0) + 1;
    let most: Stream | undefined;
    // In the order in which they were opened, so the first of a caller is the oldest.
    for (const stream of streams) {
      const theirs = counts.get(stream.caller) ?? 0;
      if (theirs > count) [most, count] = [stream, theirs];
    }
    if (most === undefined) return false;
    remove(most);
    most.controller.close();
    return true;
  };

  return {
    open: (caller) => {
      if (caller !== undefined && openOf(caller) >= maxStreamsPerCaller) return 'caller';
      if (streams.size >= maxStreams && !makeRoom(caller)) return 'everybody';
      let mine: Stream | undefined;
      return new ReadableStream<Uint8Array>(
        {
          start: (controller) => {
            mine = {
              caller,
              controller,
              left: Math.ceil(maxStreamMs / intervalMs),
              cursor: 0,
              behind: false,
              skipped: 0,
            };
            streams.add(mine);
            sendSnapshot(mine);
            timer ??= setInterval(tick, intervalMs);
          },
          cancel: () => {
            if (mine !== undefined) remove(mine);
          },
        },
        { highWaterMark: 1 },
      );
    },
  };
}

/** JSON has no line breaks of its own, so one line holds it. */
function message(event: string, data: Snapshot | Tick): Uint8Array {
  return encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
