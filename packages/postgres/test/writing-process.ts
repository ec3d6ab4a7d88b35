// Records acts until it is killed, and says on standard output which of them were acknowledged.
// Usage: writing-process.ts <folder of PGlite | postgres url> <schema> <key in hexadecimal>
import { audit } from '@apisec/core';
import { PGlite } from '@electric-sql/pglite';
import { Pool } from 'pg';
import { type PostgresClient, postgresAuditSink } from '../src/index.ts';

const [where = '', schema = '', key = ''] = process.argv.slice(2);
const client: PostgresClient = where.startsWith('postgres')
  ? new Pool({ connectionString: where })
  : await PGlite.create(where);
const keys = { current: '1', keys: { 1: Buffer.from(key, 'hex') } };
const log = audit({
  sinks: [postgresAuditSink(client, { schema, keys })],
  queue: { maxBatch: 10 },
});

let id = 0;
const next = async (): Promise<void> => {
  const mine = `${process.pid}.${id++}`;
  const { ok } = await log.record({ act: 'limit.reset', target: { type: 'limit', id: mine } });
  if (ok) process.stdout.write(`${mine}\n`);
  await next();
};
// Far more at once than a batch holds, so that some wait whenever the process dies.
await Promise.all(Array.from({ length: 100 }, next));
