// Records acts in a file of JSON lines until it is killed, and says on standard output which were acknowledged.
// Usage: log-writing-process.ts <file>
import { createWriteStream, writeSync } from 'node:fs';
import { audit, jsonLines } from '../src/index.ts';

const [file = ''] = process.argv.slice(2);
const log = audit({
  sinks: [jsonLines(createWriteStream(file, { flags: 'a' }))],
  queue: { maxBatch: 50 },
});

let id = 0;
const next = async (): Promise<void> => {
  const mine = `${process.pid}.${id++}`;
  const { ok } = await log.record({ act: 'limit.reset', target: { type: 'limit', id: mine } });
  // Not queued in this process: what is said is said.
  if (ok) writeSync(1, `${mine}\n`);
  await next();
};
// Far more at once than a batch holds, so that some wait whenever the process dies.
await Promise.all(Array.from({ length: 500 }, next));
