import type { PostgresClient } from '../client/postgres-client.ts';

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
  /** Writers may add to it while it is read. */
  readonly grows: boolean;
  /** The last block as the chain itself knows it, read before any block: what comes later has its end behind this. */
  readonly end: () => Promise<BlockRow | undefined>;
  /** What stands behind block `from`. */
  readonly page: (from: number) => Promise<ChainPage>;
}

/** Blocks that are in memory at once. */
export const PAGE = 100;

/** A chain in the database. `schema` is quoted. */
export function databaseSource(client: PostgresClient, schema: string, chain: string): ChainSource {
  return {
    grows: true,
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
      const found = await client.query(
        `SELECT seq, index, event FROM ${schema}.audit_events
         WHERE chain = $1 AND seq > $2 AND seq <= $3 ORDER BY seq, index`,
        [chain, from, to],
      );
      // Drivers answer `bigint` as text.
      const events = (
        found.rows as readonly (Omit<EventRow, 'seq'> & { readonly seq: unknown })[]
      ).map(({ seq, index, event }) => ({ seq: Number(seq), index, event }));
      return { blocks, events, isLast };
    },
  };
}
