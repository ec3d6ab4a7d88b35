import {
  BODY_HEADERS,
  type Enforcement,
  fault,
  isJson,
  isThenable,
  type ReleasedText,
  recordFormat,
  releaseText,
} from '@apisec/core/host';
import type { ReleaseGate } from '@apisec/node';
import type { HookReply } from './types.ts';

/**
 * Shows JSON to the policies as the text that would be sent: after every serializer, whatever sends it,
 * the error handler too. NDJSON and streams of events go on to the gate. Anything else cannot be filtered and is
 * replaced.
 */
export function releasePayload(
  onRelease: NonNullable<Enforcement['onRelease']>,
  gate: ReleaseGate,
  reply: HookReply,
  payload: unknown,
  done: (error: null, payload: unknown) => void,
): void {
  if (payload === undefined || payload === null || payload === '') {
    done(null, payload);
    return;
  }
  const conclude = (released: ReleasedText) => {
    if (released.ok) {
      // A hook behind this one could put another body in its place.
      gate.open(released.text);
      // It had the length of what the policies saw; Fastify computes a new one.
      reply.removeHeader('content-length');
      if (released.text !== payload) for (const name of BODY_HEADERS) reply.removeHeader(name);
      done(null, released.text);
    } else {
      gate.deny(released.denial);
      // Already answered: what Fastify still writes goes nowhere.
      done(null, '');
    }
  };
  if (recordFormat({ get: (name) => textOf(reply.getHeader(name)) }) !== undefined) {
    // The gate filters its lines or events where they are written.
    done(null, payload);
    return;
  }
  if (typeof payload !== 'string' || !isJson({ get: () => contentType(reply) })) {
    abandon(payload);
    conclude({ ok: false, denial: fault('release.unfilterable') });
    return;
  }
  const released = releaseText(onRelease, payload);
  if (isThenable(released)) {
    // Fastify throws from `done` where a header cannot be sent; late, nobody is left to catch it.
    released.then(conclude).catch((cause: unknown) => {
      gate.deny(fault('release.unfilterable', cause));
    });
  } else conclude(released);
}

function contentType(reply: HookReply): string | undefined {
  const type = reply.getHeader('content-type');
  return typeof type === 'string' ? type : undefined;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
}

/** Frees what a stream holds that nobody will read. */
function abandon(payload: unknown): void {
  const { destroy } = payload as { readonly destroy?: unknown };
  if (typeof destroy === 'function') destroy.call(payload);
}
