import {
  type Completion,
  definePolicy,
  type GrpcFacts,
  guard,
  pass,
  type RequestIdFacts,
} from '@apisec/core';
import { policiesOf } from '@apisec/core/host';
import { type SecureOptions, secure } from '@apisec/grpc';
import { trustProxies } from '@apisec/node';
import { expect, test } from 'vitest';
import { everyKind, gate, HONEST } from './guards.ts';
import { GET, openShop } from './shop.ts';

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;
const GIVEN = 'id-of-a-proxy';

/** The ids that policies see, and that callers get, of calls with these metadata. */
async function idsOf(
  metadata: Readonly<Record<string, string>>,
  trust?: SecureOptions['trust'],
): Promise<{ readonly seen: readonly unknown[]; readonly sent: readonly unknown[] }> {
  const seen: unknown[] = [];
  const told: Completion[] = [];
  const admission = guard<GrpcFacts>()
    .use(
      definePolicy<GrpcFacts & RequestIdFacts, object, 'check'>({
        name: 'audit',
        role: 'check',
        always: { onComplete: (completion) => void told.push(completion) },
        check: (_request, { requestId }) => {
          seen.push(requestId);
          return pass();
        },
      }),
    )
    .use(policiesOf(gate())[0] as never);
  const shop = await openShop([secure({ methods: everyKind(admission as never), trust })]);
  const answers = [await shop.call(GET, { metadata }), await shop.call(GET, { metadata })];
  await expect.poll(() => told.length).toBe(2);
  return { seen, sent: answers.flatMap(({ trailing }) => trailing.get('x-request-id')) };
}

test('each gRPC call has an id of its own, which denied callers get', async () => {
  const { seen, sent } = await idsOf({ 'x-request-id': GIVEN });
  expect(sent).toEqual(seen);
  expect(new Set(seen).size).toBe(2);
  for (const id of seen) expect(id).toMatch(UUID);
});

test('admitted gRPC calls have an id, and answers as the handler makes them', async () => {
  const { seen, sent } = await idsOf(HONEST);
  expect(new Set(seen).size).toBe(2);
  expect(sent).toEqual([]);
});

test('the id that a trusted proxy wrote is taken over in gRPC', async () => {
  const here = { proxies: ['127.0.0.0/8'], header: 'forwarded' } as const;
  const written = await idsOf(
    { 'x-request-id': GIVEN },
    trustProxies({ ...here, requestId: true }),
  );
  expect(written.seen).toEqual([GIVEN, GIVEN]);
  expect(written.sent).toEqual([GIVEN, GIVEN]);
  const silent = await idsOf({ 'x-request-id': GIVEN }, trustProxies(here));
  expect(silent.seen).not.toContain(GIVEN);
});
