import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { crashAndRecover } from '../src/crash-and-recover.ts';

test('a sender that is killed in the middle of its work loses no message, and another one goes on', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'apisec-webhooks-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const { sent, beforeCrash, received } = await crashAndRecover(folder, {
    messages: 40,
    killAfter: 10,
  });
  expect(beforeCrash.size).toBeGreaterThanOrEqual(10);
  expect(beforeCrash.size).toBeLessThan(40);
  // The same ids and no others, however often each of them came.
  expect([...received.keys()].toSorted()).toEqual([...sent].toSorted());
}, 150_000);
