import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crashAndRecover } from './crash-and-recover.ts';

const folder = await mkdtemp(join(tmpdir(), 'apisec-webhooks-'));
try {
  const { sent, beforeCrash, received } = await crashAndRecover(folder, {
    messages: 40,
    killAfter: 10,
  });
  const twice = [...received.values()].filter((times) => times > 1).length;
  console.log(`${sent.length} messages kept; ${beforeCrash.size} arrived before the kill -9,`);
  console.log(
    `${received.size} after another process went on, ${twice} of them twice with the same id.`,
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}
