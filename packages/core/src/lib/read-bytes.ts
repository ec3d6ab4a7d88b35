/**
 * The bytes of a body, counted as they stream; undefined as soon as there are more than allowed. They are gathered in
 * one buffer that grows: a list of chunks would let a caller who sends byte by byte take a hundred times the limit.
 * Once `signal` aborts, the body is let go of, and this rejects with its reason.
 */
export async function readBytes(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const reader = body.getReader();
  const letGo = (): void => void reader.cancel(signal?.reason).catch(() => undefined);
  signal?.addEventListener('abort', letGo, { once: true });
  let bytes = new Uint8Array(0);
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      // A body that was let go of reads as one that has ended.
      signal?.throwIfAborted();
      signal?.removeEventListener('abort', letGo);
      return bytes.slice(0, size);
    }
    const end = size + value.byteLength;
    if (end > maxBytes) {
      reader.cancel().catch(() => undefined);
      return undefined;
    }
    if (end > bytes.length) {
      const larger = new Uint8Array(Math.max(end, Math.min(size * 2, maxBytes)));
      larger.set(bytes);
      bytes = larger;
    }
    bytes.set(value, size);
    size = end;
  }
}
