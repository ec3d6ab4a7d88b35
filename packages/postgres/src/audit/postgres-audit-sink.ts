import type { AuditDelivery, AuditEvent, AuditSink } from '@apisec/core';
import { assertConfiguration } from '@apisec/core/host';
import { type PostgresClient, type SchemaOptions, schemaName } from '../client/postgres-client.ts';
import {
  type AuditChainKeys,
  type BlockHead,
  bytesOf,
  chainHash,
  HASH_BYTES,
  hexOf,
} from './chain-hash.ts';

/** Options of {@link postgresAuditSink}. */
export interface PostgresAuditSinkOptions
  extends SchemaOptions,
    Pick<AuditSink, 'required' | 'accepts'> {
  readonly keys: AuditChainKeys;
  /** Which chain to write to; several writers may share one. Default: `audit`. */
  readonly chain?: string | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** The last block of a chain: keep it elsewhere, so that a trail that was cut back can be recognized. */
export interface AuditAnchor {
  readonly seq: number;
  /** In hexadecimal. */
  readonly hash: string;
}

/** A sink that writes to a chain: `postgresAuditSink`, `chainLines`. */
export interface PostgresAuditSink extends AuditSink {
  /** The last block that this process wrote or saw; undefined before the first. */
  readonly anchor: () => AuditAnchor | undefined;
}

const NAME = 'postgresAuditSink';
/** As many writers can be in each other's way at once before one gives up and is offered its events again. */
const ATTEMPTS = 100;

interface Head {
  readonly seq: number;
  readonly hash: Uint8Array;
}

interface Row {
  readonly seq: string | number;
  readonly hash: unknown;
  readonly next: string | number | null;
}

/**
 * Writes events to PostgreSQL in blocks that are chained by HMAC-SHA-256: {@link verifyChain} shows whatever was
 * changed, added, left out or cut away since, and which events a process accepted but never wrote. Events are
 * acknowledged when their block is committed. Each batch is one statement, so a pool will do; any number of
 * processes may write to one chain, and every block has its place in one order.
 *
 * Give the role of your service INSERT and SELECT on `audit_blocks` and `audit_events`, and UPDATE besides on
 * `audit_chains` alone.
 *
 * @throws ConfigurationError for keys, a schema or a chain that are not valid.
 * @example
 * await migrate(pool);
 * const trail = postgresAuditSink(pool, { keys: { current: '1', keys: { 1: secret } }, required: true });
 * const log = audit({ sinks: [trail], sensitive: ['POST /transfers'] });
 */
export function postgresAuditSink(
  client: PostgresClient,
  options: PostgresAuditSinkOptions,
): PostgresAuditSink {
  const schema = schemaName(NAME, options, ['keys', 'chain', 'now', 'required', 'accepts']);
  const { chain = 'audit', now = Date.now, required, accepts } = options;
  assertChain(NAME, chain);
  const hash = chainHash(NAME, options.keys);
  /** Undefined where another writer may have moved it. */
  let head: Head | undefined;
  /** The highest that was ever seen: a chain does not get shorter. */
  let highest = 0;
  /** Events of each writer that are in the chain for certain. */
  const written = new Map<string, number>();
  /** The same, and those whose block nobody has heard of. */
  const offered = new Map<string, number>();
  let latest: AuditDelivery | undefined;

  /** Where the chain ends, and which event of this writer is the next that it lacks. */
  const read = async (writer: string): Promise<readonly [Head, number]> => {
    const { rows } = await client.query(
      `WITH made AS (
        INSERT INTO ${schema}.audit_chains (chain, seq, hash) VALUES ($1::text, 0, $3::bytea)
        ON CONFLICT DO NOTHING RETURNING seq, hash
      )
      SELECT seq, hash, (
        SELECT max(first + count) FROM ${schema}.audit_blocks WHERE chain = $1::text AND writer = $2::text
      ) AS next
      FROM (SELECT seq, hash FROM ${schema}.audit_chains WHERE chain = $1::text UNION ALL SELECT * FROM made) AS it
      LIMIT 1`,
      [chain, writer, new Uint8Array(HASH_BYTES)],
    );
    const row = rows[0] as Row | undefined;
    // Another writer made it between the two halves of the statement.
    if (row === undefined) return read(writer);
    return [{ seq: Number(row.seq), hash: bytesOf(row.hash) }, Number(row.next ?? 0)];
  };

  /** False where another writer was first. */
  const append = async (
    block: BlockHead,
    before: Head,
    events: readonly string[],
    signal: AbortSignal,
  ): Promise<boolean> => {
    const leaves = hash.leaves(events);
    const next = await hash.block(block, before.hash, leaves);
    if (next === undefined) throw new Error(`${NAME}: no key "${block.keyId}"`);
    const { rows } = await client.query(
      `WITH moved AS (
        UPDATE ${schema}.audit_chains SET seq = $2::bigint, hash = $4::bytea
        WHERE chain = $1::text AND seq = $2::bigint - 1 AND hash = $3::bytea RETURNING seq
      ), block AS (
        INSERT INTO ${schema}.audit_blocks
        SELECT $1::text, $2::bigint, $3::bytea, $4::bytea, $5::text, $6::bigint, $7::text, $8::bigint,
          $9::integer, $10::bigint, $11::bigint, $12::boolean, $13::bytea
        FROM moved
      ), events AS (
        INSERT INTO ${schema}.audit_events
        SELECT $1::text, $2::bigint, position - 1, event
        FROM moved, unnest(string_to_array($14::text, chr(10))) WITH ORDINALITY AS it (event, position)
      )
      SELECT seq FROM moved`,
      [
        chain,
        block.seq,
        before.hash,
        next,
        block.keyId,
        block.writtenAt,
        block.writer,
        block.first,
        block.count,
        block.accepted,
        block.lost,
        block.closing,
        leaves,
        // JSON has no line break of its own, and drivers write one text far quicker than a list.
        events.join('\n'),
      ],
    );
    // Given up on meanwhile: the same events were offered again, and what came of that is newer than this answer.
    signal.throwIfAborted();
    if (rows.length === 0) return false;
    head = { seq: block.seq, hash: next };
    highest = Math.max(highest, block.seq);
    return true;
  };

  const put = async (
    events: readonly AuditEvent[],
    { writer, accepted, lost, signal }: AuditDelivery,
    closing: boolean,
  ): Promise<void> => {
    const first = written.get(writer) ?? 0;
    const texts = events.map((event) => JSON.stringify(event));
    let skip = 0;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      signal.throwIfAborted();
      if (head === undefined) {
        const [found, next] = await read(writer);
        signal.throwIfAborted();
        if (found.seq < highest) {
          throw new Error(
            `audit chain "${chain}" was cut back from block ${highest} to ${found.seq}`,
          );
        }
        if (next < first) {
          throw new Error(
            `audit chain "${chain}" was cut back: it lacks events ${next} to ${first - 1} of ${writer}`,
          );
        }
        // Its events would be taken for those of this one.
        if (next > (offered.get(writer) ?? 0)) {
          throw new Error(`audit chain "${chain}" is written to by two sinks of one audit`);
        }
        head = found;
        highest = found.seq;
        // What was offered before may have been committed although nobody heard of it.
        skip = Math.min(events.length, next - first);
      }
      if (skip === events.length && !closing) break;
      const before: Head = head;
      const block: BlockHead = {
        chain,
        seq: before.seq + 1,
        keyId: hash.current,
        writtenAt: Math.round(now()),
        writer,
        first: first + skip,
        count: events.length - skip,
        accepted,
        lost,
        closing,
      };
      // Until it has answered, nobody knows where the chain ends.
      head = undefined;
      const offeredBefore = offered.get(writer) ?? 0;
      offered.set(writer, Math.max(offeredBefore, first + events.length));
      if (await append(block, before, texts.slice(skip), signal)) break;
      // Not written for certain.
      offered.set(writer, offeredBefore);
      if (attempt === ATTEMPTS - 1) throw new Error(`audit chain "${chain}" has too many writers`);
    }
    written.set(writer, first + events.length);
  };

  return Object.freeze<PostgresAuditSink>({
    name: `postgres ${chain}`,
    required,
    accepts,
    write: async (events, delivery) => {
      latest = delivery;
      await put(events, delivery, false);
    },
    close: async () => {
      if (latest === undefined) return;
      const { signal } = new AbortController();
      await put([], { ...latest, signal }, true);
    },
    anchor: () => head && { seq: head.seq, hash: hexOf(head.hash) },
  });
}

/** @throws ConfigurationError for a name that is none. */
export function assertChain(where: string, chain: unknown): void {
  assertConfiguration(
    typeof chain === 'string' && /^[\w.:-]{1,128}$/.test(chain),
    `${where}: chain must be 1 to 128 letters, digits, dots, colons and dashes.`,
  );
}
