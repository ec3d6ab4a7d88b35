import { parseStrictObject, readBytes, withinTime } from '@apisec/core/host';

const MOST_BYTES = 1_048_576;

/** What is sent; wide enough for what the protocol library hands over. */
export interface BoundedInit {
  readonly method?: string | undefined;
  readonly headers?: Record<string, string> | undefined;
  readonly body?: BodyInit | null | undefined;
}

export type BoundedFetch = (url: string, init: BoundedInit) => Promise<Response>;

/** JSON that is not an object, or that two readers could read differently: with a member that appears twice, say. */
export class AmbiguousAnswer extends Error {
  constructor(url: string) {
    super(`${url} answered JSON that is ambiguous, or not an object`);
    this.name = 'AmbiguousAnswer';
  }
}

/**
 * A `fetch` for answers of an issuer: within a time that includes the body, at most 1 MiB, and never after a
 * redirect, which would carry credentials elsewhere. JSON must be an object that every reader reads alike.
 */
export function boundedFetch(fetch: typeof globalThis.fetch, timeoutMs: number): BoundedFetch {
  return async (url, { method = 'GET', headers = {}, body = null }) => {
    const controller = new AbortController();
    const load = async (): Promise<Response> => {
      const response = await fetch(url, {
        method,
        headers,
        body,
        redirect: 'manual',
        signal: controller.signal,
      });
      const { status, headers: answered } = response;
      if (response.body === null) return new Response(null, { status, headers: answered });
      const bytes = await readBytes(response.body, MOST_BYTES);
      if (bytes === undefined) throw new Error('the answer is too large');
      if (isAmbiguousJson(bytes)) throw new AmbiguousAnswer(url);
      const bodiless = status === 204 || status === 304;
      return new Response(bodiless ? null : bytes, { status, headers: answered });
    };
    try {
      // Raced as well, since a fetch that was handed in may not heed the signal.
      return await withinTime(load(), timeoutMs);
    } finally {
      controller.abort();
    }
  };
}

/** What is not JSON at all is left to the protocol, which knows what it expects. */
function isAmbiguousJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return false;
  }
  return parseStrictObject(bytes) === undefined;
}
