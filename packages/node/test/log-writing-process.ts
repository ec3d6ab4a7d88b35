// Records acts in a log until it is killed, and says on standard output which were acknowledged.
// Usage: log-writing-process.ts <file>
import { writeSync } from 'node:fs';
import { audit, jsonLines } from '@apisec/core';
import { logFile } from '../src/log-file.ts';

const [file = ''] = process.argv.slice(2);
const log = audit({ sinks: [jsonLines(logFile(file))] });

let id = 0;
const next = async (): Promise<void> => {
  const mine = `${process.pid}.${id++}`;
  const target = { type: 'limit', id: mine };
  // Long enough that one batch is many pages of the file: a kill leaves some of them.
  const { ok } = await log.record({ act: 'limit.reset', target, reason: 'x'.repeat(900) });
  if (ok) writeSync(1, `${mine}\n`);
  await next();
};
await Promise.all(Array.from({ length: 500 }, next));
