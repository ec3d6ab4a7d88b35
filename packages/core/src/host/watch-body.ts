/** The same body; `ended` is told when the last of it was taken, it broke off, or the caller disconnected. */
export function watchBody(
  body: ReadableStream<Uint8Array>,
  ended: (outcome: 'succeeded' | 'failed' | 'aborted') => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
          ended('succeeded');
          controller.close();
        } catch (cause) {
          ended('failed');
          controller.error(cause);
        }
      },
      cancel: async (reason) => {
        ended('aborted');
        await reader.cancel(reason);
      },
    },
    // Nothing is taken before the host asks for it.
    { highWaterMark: 0 },
  );
}
