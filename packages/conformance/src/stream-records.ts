import type { Records } from './subject.ts';

/** One piece of a body. */
export function bytesOf(chunk: string | number): Uint8Array {
  return typeof chunk === 'number' ? Uint8Array.of(chunk) : new TextEncoder().encode(chunk);
}

/** For hosts that answer with a web response. */
export function streamOf({ type, chunks }: Records): Response {
  const rest = [...chunks];
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      const chunk = rest.shift();
      if (chunk === undefined) controller.close();
      else controller.enqueue(bytesOf(chunk));
    },
  });
  return new Response(body, { headers: { 'content-type': type } });
}

/** For hosts that write: waits until the piece is on its way, or the response is over. */
export async function writeTo(
  response: {
    readonly write: (chunk: Uint8Array, done: () => void) => unknown;
    readonly once: (event: 'close', closed: () => void) => unknown;
  },
  chunk: string | number,
): Promise<void> {
  await new Promise<void>((resolve) => {
    response.once('close', resolve);
    response.write(bytesOf(chunk), resolve);
  });
}
