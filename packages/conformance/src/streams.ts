import { describe, expect, test, vi } from 'vitest';
import type { GrpcSuiteClient, StreamObserved } from './clients/grpc.ts';
import { CASE_HEADER } from './limit-policies.ts';
import type { Running } from './suite.ts';

interface StreamCase {
  readonly name: string;
  readonly operation: 'watch' | 'upload' | 'chat';
  readonly anonymous?: boolean;
  readonly messages: readonly { readonly amount: number }[];
  readonly code?: string;
  /** The amounts of the replies that came before the end. */
  readonly replies: readonly number[];
}

/**
 * `watch` answers three replies with amounts 1 to 3, the last one poisoned when asked for 666; `upload` answers
 * the sum of what it got; `chat` answers each message with its amount, and with poison where that is 666.
 */
const cases: readonly StreamCase[] = [
  { name: 'a server stream', operation: 'watch', messages: [{ amount: 1 }], replies: [1, 2, 3] },
  {
    name: 'a client stream',
    operation: 'upload',
    messages: [{ amount: 1 }, { amount: 2 }, { amount: 3 }],
    replies: [6],
  },
  {
    name: 'both ways',
    operation: 'chat',
    messages: [{ amount: 7 }, { amount: 8 }],
    replies: [7, 8],
  },
  {
    name: 'a server stream denied at the start',
    operation: 'watch',
    anonymous: true,
    messages: [{ amount: 1 }],
    code: 'credentials.missing',
    replies: [],
  },
  {
    name: 'a client stream denied at the start',
    operation: 'upload',
    anonymous: true,
    messages: [{ amount: 1 }],
    code: 'credentials.missing',
    replies: [],
  },
  {
    name: 'a server stream denied in the middle',
    operation: 'watch',
    messages: [{ amount: 666 }],
    code: 'release.poisoned',
    replies: [1, 2],
  },
  {
    name: 'a client stream denied in the middle',
    operation: 'upload',
    messages: [{ amount: 1 }, { amount: -2 }, { amount: 3 }],
    code: 'order.amount_invalid',
    replies: [],
  },
  {
    name: 'both ways, denied in the middle',
    operation: 'chat',
    messages: [{ amount: 7 }, { amount: -8 }, { amount: 9 }],
    code: 'order.amount_invalid',
    replies: [7],
  },
];

/** Calls of many messages. */
export function describeStreams(get: () => Running): void {
  describe('streams', () => {
    test.each(cases)('$name', async ({ operation, anonymous, messages, code, replies }) => {
      const { api, client, credentials } = get();
      const id = crypto.randomUUID();
      const claims = { sub: crypto.randomUUID() };
      const authorization = `Bearer ${await credentials.token({ claims })}`;
      // Only gRPC subjects declare streams, and their client is this one.
      const observed: StreamObserved = await (client as GrpcSuiteClient).stream({
        operation,
        messages,
        headers: [
          [CASE_HEADER, id],
          ...(anonymous ? [] : [['authorization', authorization] as const]),
        ],
      });
      expect(observed.allowed, observed.text).toBe(code === undefined);
      expect(observed.code).toBe(code);
      expect(observed.replies.map((reply) => (reply as { amount: number }).amount)).toEqual(
        // A denial may overtake replies that are still on their way; it never lets a later one through.
        code === undefined ? replies : replies.slice(0, observed.replies.length),
      );
      if (operation !== 'upload') expect(observed.text).not.toContain('s3cret');
      await vi.waitFor(() => expect(api.ended(id).completion).toBeDefined(), { timeout: 10_000 });
      expect(api.ended(id).completion?.outcome).toBe(code === undefined ? 'succeeded' : 'denied');
    });
  });
}
