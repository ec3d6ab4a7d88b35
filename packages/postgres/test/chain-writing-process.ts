// Records acts in a chained file until it is killed, and says on standard output which were acknowledged.
// Usage: chain-writing-process.ts <file> <file with the key>
import { readFileSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { audit } from '@apisec/core';
import { chainLines } from '../src/index.ts';

const [path = '', key = ''] = process.argv.slice(2);
const file = await open(path, 'wx', 0o600);
const keys = { current: '1', keys: { 1: readFileSync(key) } };
const log = audit({ sinks: [chainLines((text) => file.appendFile(text), { keys })] });

let id = 0;
const next = async (): Promise<void> => {
  const mine = `${process.pid}.${id++}`;
  const { ok } = await log.record({ act: 'limit.reset', target: { type: 'limit', id: mine } });
  try {
    if (ok) writeSync(1, `${mine}\n`);
  } catch {
    // The pipe is full: what is acknowledged and not told proves nothing.
  }
  await next();
};
await Promise.all(Array.from({ length: 2_000 }, next));
