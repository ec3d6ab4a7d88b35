import type { PostgresClient } from '../client/postgres-client.ts';
import { bytesOf, HASH_BYTES } from './chain-hash.ts';

/** A block as it is stored, by column. */
export interface BlockRow {
  readonly [column: string]: unknown;
}

/** An event as it is stored: the text that was hashed. */
export interface EventRow {
  readonly seq: number;
  readonly index: number;
  readonly event: string;
}

/** Blocks in the order of their numbers, with all events that stand among them. */
export interface ChainPage {
  readonly blocks: readonly BlockRow[];
  readonly events: readonly EventRow[];
  /** Nothing stands behind it. */
  readonly isLast: boolean;
}

/** Where a chain is read from. */
export interface ChainSource {
  /** It has no end of its own, and goes on to its last block. */
  readonly isOpen?: boolean;
  /** The last block as the chain itself knows it, read before any block: what comes later has its end behind this. */
  readonly end: () => Promise<BlockRow | undefined>;
  /** What stands behind block `from`. */
  readonly page: (from: number) => Promise<ChainPage>;
  /** Numbers of the blocks behind this one that are there by now: writers may add some while the chain is read. */
  readonly blocksSince: (seq: number) => Promise<ReadonlySet<number>>;
}

/** Blocks that are in memory at once. */
export const PAGE = 100;
/** In front of every number that a block can have, also of those that nobody but a forger would give it. */
export const BEGINNING: number = Number.MIN_SAFE_INTEGER;
/** Events beyond those that the blocks of a page stand for: whoever added more is found by these. */
const MOST_ADDED = 10_000;

/** A chain in the database. `schema` is quoted. */
export function databaseSource(client: PostgresClient, schema: string, chain: string): ChainSource {
  return {
    end: async () => {
      const text = `SELECT seq, hash FROM ${schema}.audit_chains WHERE chain = $1`;
      const { rows } = await client.query(text, [chain]);
      return rows[0] as BlockRow | undefined;
    },
    page: async (from) => {
      const { rows } = await client.query(
        `SELECT * FROM ${schema}.audit_blocks WHERE chain = $1 AND seq > $2 ORDER BY seq LIMIT ${PAGE}`,
        [chain, from],
      );
      const blocks = rows as readonly BlockRow[];
      const isLast = blocks.length < PAGE;
      const to = isLast ? Number.MAX_SAFE_INTEGER : Number(blocks.at(-1)?.['seq']);
      const expected = blocks.reduce(
        (sum, { leaves }) => sum + Math.ceil(bytesOf(leaves).length / HASH_BYTES),
        0,
      );
      const found = await client.query(
        `SELECT seq, index, event FROM ${schema}.audit_events
         WHERE chain = $1 AND seq > $2 AND seq <= $3 ORDER BY seq, index LIMIT $4`,
        [chain, from, to, expected + MOST_ADDED],
      );
      // Drivers answer `bigint` as text.
      const events = (
        found.rows as readonly (Omit<EventRow, 'seq'> & { readonly seq: unknown })[]
      ).map(({ seq, index, event }) => ({ seq: Number(seq), index, event }));
      return { blocks, events, isLast };
    },
    blocksSince: async (seq) => {
      const { rows } = await client.query(
        `SELECT seq FROM ${schema}.audit_blocks WHERE chain = $1 AND seq > $2 ORDER BY seq LIMIT ${MOST_ADDED}`,
        [chain, seq],
      );
      return new Set((rows as readonly BlockRow[]).map((row) => Number(row['seq'])));
    },
  };
}
