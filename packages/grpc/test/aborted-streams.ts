import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { definePolicy, type GrpcFacts, guard, pass } from '@apisec/core';
import { secure } from '@apisec/grpc';
import { status } from '@grpc/grpc-js';
import { expect, vi } from 'vitest';
import { everyKind, HONEST, recorder } from './guards.ts';
import { frames, rawSocket } from './raw-call.ts';
import { framed, item } from './raw-http2.ts';
import { CHAT, COLLECT, GET, LIST, openShop } from './shop.ts';

const eventually = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 20_000 });

setFlagsFromString('--expose-gc');
// The flag defines it in contexts that are made from now on.
const collectGarbage = runInNewContext('gc') as () => void;

/** Aborts so many streams, each at another moment, and expects that each is recorded and nothing of them is kept. */
export async function abortStreams(count: number): Promise<void> {
  const { completions, onComplete } = recorder();
  const alive: WeakRef<object>[] = [];
  const admission = guard<GrpcFacts>().use(
    definePolicy<GrpcFacts, object, 'grant'>({
      name: 'remembered',
      role: 'grant',
      check: (_, facts) => {
        alive.push(new WeakRef(facts));
        const outcome = pass(
          {},
          {
            onComplete: ({ outcome: how }) => onComplete({ outcome: how } as never),
            onMessage: () => ({ ok: true }),
          },
        );
        return alive.length % 3 === 0 ? Promise.resolve().then(() => outcome) : outcome;
      },
    }),
  );
  const methods = everyKind(admission);
  const limits = {
    maxStreamAge: '1h',
    maxDeadline: '1h',
    messageRate: { perSecond: 1, burst: 9 },
  } as const;
  const shop = await openShop([secure({ methods, limits })], {
    List: (call) => call.write({ text: 'x', index: 0 }),
    Chat: (call) => call.on('data', (message) => call.write(message)),
    Collect: (call) => void call.resume(),
  });
  const paths = [GET, COLLECT, LIST, CHAT];
  let { send } = rawSocket(shop.port);
  for (let call = 0; call < count; call++) {
    // Node itself ends a connection with a thousand resets (CVE-2023-44487).
    if (call % 500 === 0) ({ send } = rawSocket(shop.port));
    const id = 2 * (call % 500) + 1;
    const path = paths[call % 4] as string;
    const message = frames.message(id, framed(item('a')));
    const moments = [[], [message], [message, frames.end(id)], [message, message]];
    send(frames.open(id, path, HONEST), ...(moments[(call >> 2) % 4] as Buffer[]));
    send(frames.reset(id));
    // As many as are open at a time in one connection.
    if (call % 100 === 99) await eventually(() => expect(completions).toHaveLength(alive.length));
  }
  await eventually(() => expect(alive).toHaveLength(count));
  await eventually(() => expect(completions).toHaveLength(count));
  await eventually(() => {
    collectGarbage();
    expect(alive.filter((each) => each.deref() !== undefined).length).toBeLessThan(100);
  });
  expect((await shop.call(GET, { metadata: HONEST })).code).toBe(status.OK);
}
