import { type Admission, type CallFacts, filterOutput, type Guard } from '@apisec/core';
import { describe, expect, test, vi } from 'vitest';
import { CASE_HEADER } from './limit-policies.ts';
import type { Operation, Records } from './subject.ts';
import type { Running } from './suite.ts';

const LINES = 'application/x-ndjson';
const EVENTS = 'text/event-stream';
const row = (id: number, rest: object = {}): string =>
  JSON.stringify({ id, tenant: 'here', secret: 's3cret', ...rest });
const event = (json: string): string => `data: ${json}\n\n`;
const SMILE = '\u{1F600}';

/** What the handlers send, a piece at a time. */
const bodies: Readonly<Record<string, Records>> = {
  lines: {
    type: LINES,
    chunks: [`${row(1)}\n${row(2).slice(0, 20)}`, row(2).slice(20), '\n', row(3)],
  },
  linesInBytes: {
    type: LINES,
    chunks: [...new TextEncoder().encode(`${row(1, { name: SMILE })}\r\n`)],
  },
  events: {
    type: EVENTS,
    chunks: [': s3cret\n\nid: 7\r\nda', `ta: ${row(1)}\r`, `\n\r\n${event(row(2))}data:`, '\n\n'],
  },
  linesLeak: {
    type: LINES,
    chunks: [`${row(1)}\n`, `${row(2, { tenant: 'elsewhere' })}\n`, row(3)],
  },
  eventsLeak: { type: EVENTS, chunks: [event(row(1)), event(row(2, { tenant: 'elsewhere' }))] },
  leakAtOnce: { type: LINES, chunks: [row(1, { tenant: 'elsewhere' })] },
  linesBroken: { type: LINES, chunks: [`${row(1)}\n`, 's3cret\n', row(3)] },
  eventsBroken: { type: EVENTS, chunks: [event(row(1)), 'date: s3cret\n\n', event(row(3))] },
  linesAmbiguous: { type: LINES, chunks: ['{"id":{"secret":"s3cret"},"id":1}\n'] },
};

/** Guards of operations whose answer is many payloads. */
export function recordOperations(
  readers: Guard<CallFacts, CallFacts, 'grant'>,
  handle: Operation['handle'],
): readonly Operation[] {
  const admission: Admission<CallFacts, object> = readers.use(
    filterOutput({
      shape: { id: 'value', name: 'value' },
      tenant: { tenantOf: ({ tenant }) => tenant, expected: () => 'here' },
    }),
  );
  return Object.entries(bodies).map(([name, records]) => ({
    name,
    listed: true,
    admission,
    handle,
    records,
  }));
}

interface Received {
  readonly status: number;
  readonly text: string;
  /** Whether the body came to its end. */
  readonly isWhole: boolean;
}

/** Bodies of many payloads: NDJSON and Server-Sent Events. */
export function describeRecords(get: () => Running): void {
  const receive = async (operation: string): Promise<Received & { readonly id: string }> => {
    const { served, credentials } = get();
    const id = crypto.randomUUID();
    const request = new Request(`http://127.0.0.1:${served.port ?? 80}/${operation}`, {
      headers: { [CASE_HEADER]: id, authorization: `Bearer ${await credentials.token()}` },
    });
    let text = '';
    let status = 0;
    try {
      const response = await (served.fetch ?? fetch)(request);
      ({ status } = response);
      const decoder = new TextDecoder();
      const reader = response.body?.getReader();
      for (;;) {
        const { done, value } = (await reader?.read()) ?? { done: true };
        if (done) break;
        text += decoder.decode(value, { stream: true });
      }
      return { id, status, text, isWhole: true };
    } catch {
      return { id, status, text, isWhole: false };
    }
  };

  describe('records', () => {
    test.each([
      ['lines', '{"id":1}\n{"id":2}\n{"id":3}\n'],
      ['linesInBytes', `{"id":1,"name":"${SMILE}"}\n`],
      ['events', ':\n\nid: 7\ndata: {"id":1}\n\ndata: {"id":2}\n\ndata:\n\n'],
      ['linesAmbiguous', '{"id":1}\n'],
    ])('%s are filtered, in whatever pieces they come', async (operation, expected) => {
      const { id, ...received } = await receive(operation);
      expect(received).toEqual({ status: 200, text: expected, isWhole: true });
      await vi.waitFor(() => {
        expect(get().api.ended(id).completion?.outcome).toBe('succeeded');
      }, 20_000);
    });

    test.each([
      ['linesLeak', 'tenant.leak'],
      ['eventsLeak', 'tenant.leak'],
      ['leakAtOnce', 'tenant.leak'],
      ['linesBroken', 'release.unfilterable'],
      ['eventsBroken', 'release.unfilterable'],
    ])('%s end with %s: cut, or denied where nothing was sent', async (operation, code) => {
      const { id, status, text, isWhole } = await receive(operation);
      expect(isWhole && status < 500).toBe(false);
      expect(text).not.toMatch(/s3cret|elsewhere|"id":[23]/);
      await vi.waitFor(() => {
        expect(get().api.ended(id).completion).toMatchObject({
          outcome: 'denied',
          denial: { kind: 'internal', code },
        });
      }, 20_000);
    });
  });
}
