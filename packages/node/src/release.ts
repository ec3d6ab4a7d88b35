import type { ServerResponse } from 'node:http';
import type { BodyOutcome, Denial, MaybePromise } from '@apisec/core';
import { chain, fault } from '@apisec/core/host';
import { holdBack, letOut, type NodeResponse, sendDenial } from './response.ts';

/** Stands before a response that a policy must see before the caller does. */
export interface ReleaseGate {
  /**
   * Lets everything through from now on, or of bodies this text alone; false when the response has already ended. Another
   * body than the text cuts the connection: the policies have not seen it.
   */
  readonly open: (text?: string) => boolean;
  /** Takes `open` back, unless the response has ended: what it was opened for threw. */
  readonly close: () => void;
  /** Replaces whatever the handler said with a denial, once. */
  readonly deny: (denial: Denial) => void;
  readonly state: () => 'closed' | 'open' | 'denied';
}

type Arguments = readonly unknown[];
/** The writers are overloaded; what they were given is handed on as it is. */
type Write = (...args: Arguments) => never;

/**
 * Closes a response: until the gate is opened, a body that is written to it in any way is not sent, and the
 * denial `release.unfilterable` (500) is sent in its place. An empty response passes. HTTP/2 pushes, which would be
 * responses of their own, fail. What a handler writes to the socket or the HTTP/2 stream itself is out of its reach.
 *
 * @param note told of the denial.
 */
export function closeRelease(response: NodeResponse, note: (denial: Denial) => void): ReleaseGate {
  // Both kinds of response take the same arguments; TypeScript cannot call a union of overloads.
  const target = response as ServerResponse;
  const writeHead = target.writeHead.bind(target) as Write;
  const write = target.write.bind(target) as Write;
  const end = target.end.bind(target) as Write;
  const flushHeaders = target.flushHeaders.bind(target);
  const before = target.getHeaders();
  let state: 'closed' | 'open' | 'denied' = 'closed';
  // Headers cannot be taken back once they are written, so they wait until it is known what follows.
  let head: Arguments | undefined;
  let expected: string | undefined;
  const open = (text?: string) => {
    if (state === 'closed') state = 'open';
    if (text !== undefined) letOut(target, text);
    else if (state === 'open') expected = undefined;
    return state === 'open' && !target.writableEnded;
  };
  const close = () => {
    if (state !== 'open' || target.writableEnded) return;
    state = 'closed';
    head = undefined;
  };
  /** What throws here sends nothing, and what the error handler then says is another body. */
  const attempt = (step: () => never): never => {
    try {
      return step();
    } catch (cause) {
      close();
      throw cause;
    }
  };
  const deny = (denial: Denial) => {
    if (state === 'denied') return;
    note(denial);
    if (!target.headersSent) {
      // As if the handler had said nothing: its headers may tell what its body must not.
      for (const name of target.getHeaderNames()) target.removeHeader(name);
      for (const [name, value] of Object.entries(before)) target.setHeader(name, value as string);
    }
    head = undefined;
    // Also for itself: the `end` of HTTP/2 writes through `write` as it finds it.
    open();
    sendDenial(target, denial, { writeHead, end });
    state = 'denied';
  };
  /** True for what the policies have let out. */
  const isSeen = (chunk: unknown): boolean =>
    expected === undefined || !isContent(chunk) || String(chunk) === expected;
  const replaced = {
    writeHead: (...args: Arguments) => {
      if (state === 'open') return attempt(() => writeHead(...(head ?? args)));
      if (state === 'closed') head ??= args;
      return target;
    },
    write: (...args: Arguments) => {
      if (state === 'open' && isSeen(args[0])) return write(...args);
      if (isContent(args[0])) deny(fault('release.unfilterable'));
      callBack(args);
      return true;
    },
    end: (...args: Arguments) => {
      if (state === 'closed' && isContent(args[0])) deny(fault('release.unfilterable'));
      if (state === 'open' && !isSeen(args[0])) deny(fault('release.unfilterable', REPLACED));
      if (state === 'denied') {
        callBack(args);
        return target;
      }
      state = 'open';
      return attempt(() => end(...args));
    },
    flushHeaders: () => {
      if (state === 'open') flushHeaders();
    },
  };
  Object.assign(target, replaced, 'stream' in response && { createPushResponse: denyPush });
  holdBack(target, (text) => {
    if (text === undefined) open();
    else if (state === 'open') expected = text;
  });
  return {
    open,
    close,
    deny,
    state: () => state,
  };
}

const REPLACED = new Error(
  'Something behind secure has put another body in place of the one that was filtered. Register it in front of secure.',
);

function denyPush(_headers: object, callback: (error: Error) => void): void {
  callback(new Error('Policies filter this response, and a pushed one would pass them by.'));
}

/** A body that may go out as JSON text, or the denial. */
export type ReleasedText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly denial: Denial };

/** Shows a JSON text to the policies and answers the one that may go out instead. */
export function releaseText(
  onRelease: (payload: unknown) => MaybePromise<BodyOutcome>,
  text: string,
): MaybePromise<ReleasedText> {
  return chain<BodyOutcome, ReleasedText>(
    () => onRelease(JSON.parse(text)),
    (outcome) => {
      if (!outcome.ok || !('value' in outcome)) return outcome.ok ? { ok: true, text } : outcome;
      try {
        // A policy that puts `undefined` in place of a payload means to send nothing of it.
        return { ok: true, text: JSON.stringify(outcome.value) ?? '' };
      } catch (cause) {
        return unfilterable(cause);
      }
    },
    unfilterable,
  );
}

function unfilterable(cause: unknown): ReleasedText {
  return { ok: false, denial: fault('release.unfilterable', cause) };
}

function isContent(chunk: unknown): boolean {
  if (chunk === undefined || chunk === null || typeof chunk === 'function') return false;
  return (chunk as { readonly length?: unknown }).length !== 0;
}

function callBack(args: Arguments): void {
  const last = args.at(-1);
  if (typeof last === 'function') process.nextTick(last);
}
