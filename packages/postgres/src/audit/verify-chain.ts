import { assertConfiguration } from '@apisec/core/host';
import { type PostgresClient, type SchemaOptions, schemaName } from '../client/postgres-client.ts';
import {
  type AuditChainKeys,
  type BlockHead,
  bytesOf,
  type ChainHash,
  chainHash,
  HASH_BYTES,
  hexOf,
} from './chain-hash.ts';
import {
  BEGINNING,
  type BlockRow,
  type ChainSource,
  databaseSource,
  type EventRow,
} from './chain-source.ts';
import type { AuditAnchor } from './postgres-audit-sink.ts';

/** What a chain is verified with, wherever it is read from. */
export interface VerifyOptions {
  /** Every version that blocks were hashed with. */
  readonly keys: AuditChainKeys;
  /**
   * Blocks that were seen before, kept where the database's owner cannot write: without one nobody can tell that the
   * end was cut off.
   */
  readonly anchors?: readonly AuditAnchor[] | undefined;
  /** Told how many blocks are verified, now and then. */
  readonly onProgress?: ((blocks: number) => void) | undefined;
}

/** Options of {@link verifyChain}. */
export interface VerifyChainOptions extends SchemaOptions, VerifyOptions {
  /** Default: `audit`. */
  readonly chain?: string | undefined;
}

/** What is wrong with a chain. */
export interface ChainProblem {
  readonly kind:
    | 'block_missing'
    | 'block_changed'
    | 'key_unknown'
    | 'key_retired'
    | 'link_broken'
    | 'event_missing'
    | 'event_changed'
    | 'event_added'
    | 'head_changed'
    | 'anchor_missing';
  /** Which block. */
  readonly seq: number;
  /** Which event in it, from 0. */
  readonly index?: number;
}

/** One process that wrote to a chain. */
export interface ChainWriter {
  readonly writer: string;
  /** Events of it that are in the chain. */
  readonly written: number;
  /** Events that it had accepted by its last block, and never wrote: it was killed, or it still runs. */
  readonly unwritten: number;
  /** Events that it dropped since it had no room for them. */
  readonly lost: number;
  /** True where it ended in order, and so has nothing left to write. */
  readonly closed: boolean;
  /** Epoch milliseconds of its last block. */
  readonly lastAt: number;
}

/** What {@link verifyChain} finds. */
export interface ChainReport {
  /** Nothing was changed, added, left out or cut away, as far as the anchors can tell. */
  readonly ok: boolean;
  /** And no event is known to be missing: every writer closed, and none lost any. */
  readonly complete: boolean;
  readonly blocks: number;
  readonly events: number;
  /** The last block: an anchor for next time. */
  readonly head: AuditAnchor | undefined;
  /** The first thousand. */
  readonly problems: readonly ChainProblem[];
  readonly writers: readonly ChainWriter[];
}

const NAME = 'verifyChain';
const MOST_PROBLEMS = 1_000;

interface Walk {
  readonly hash: ChainHash;
  readonly problems: ChainProblem[];
  readonly writers: Map<string, { -readonly [Member in keyof ChainWriter]: ChainWriter[Member] }>;
  /** Those that were not met yet. */
  anchors: readonly AuditAnchor[];
  seq: number;
  previous: Uint8Array;
  events: number;
}

/**
 * Reads a chain from its beginning and shows what was changed, added, left out or cut away since it was written,
 * and what its writers never wrote. Memory is bounded by a hundred blocks, however long the chain is. Rejects with
 * what the database says.
 *
 * @throws ConfigurationError for keys or a schema that are not valid.
 * @example
 * const report = await verifyChain(pool, { keys, anchors: [lastWeek] });
 * if (!report.ok) await log.record({ act: 'audit.chain_broken', data: { block: report.problems[0]?.seq } });
 */
export async function verifyChain(
  client: PostgresClient,
  options: VerifyChainOptions,
): Promise<ChainReport> {
  const schema = schemaName(NAME, options, ['keys', 'chain', 'anchors', 'onProgress']);
  const { chain = 'audit' } = options;
  return verifySource(NAME, databaseSource(client, schema, chain), chain, options);
}

/** Verifies a chain from wherever it is read. */
export async function verifySource(
  where: string,
  source: ChainSource,
  chain: string,
  { keys, anchors = [], onProgress }: VerifyOptions,
): Promise<ChainReport> {
  assertConfiguration(Array.isArray(anchors), `${where}: anchors must be a list of { seq, hash }.`);
  const walk: Walk = {
    hash: chainHash(where, keys),
    problems: [],
    writers: new Map(),
    anchors,
    seq: 0,
    previous: new Uint8Array(HASH_BYTES),
    events: 0,
  };
  const end = await source.end();
  const last = Number(end?.['seq'] ?? 0);
  let blocks = 0;
  for (let from = BEGINNING; ; ) {
    const page = await source.page(from);
    const to = Number(page.blocks.at(-1)?.['seq'] ?? from);
    const events = eventsBySeq(page.events);
    for (const row of page.blocks) {
      await verifyBlock(walk, chain, row, events.get(Number(row['seq'])) ?? []);
      events.delete(Number(row['seq']));
      blocks++;
      if (Number(row['seq']) === last && hexOf(bytesOf(end?.['hash'])) !== hexOf(walk.previous)) {
        complain(walk, { kind: 'head_changed', seq: last });
      }
    }
    const seen = Math.max(last, to);
    const isLate = [...events.keys()].some((seq) => seq > seen);
    // What a writer commits while this reads has its block behind the page, and both at once.
    const grown = isLate ? await source.blocksSince(seen) : undefined;
    for (const [seq, added] of events) {
      if (grown?.has(seq) === true) continue;
      for (const { index } of added) complain(walk, { kind: 'event_added', seq, index });
    }
    onProgress?.(blocks);
    if (page.isLast) break;
    from = to;
  }
  if (walk.seq < last) complain(walk, { kind: 'block_missing', seq: walk.seq + 1 });
  // A chain without an end, or with one before its last block, was cut or added to.
  if (last === 0 && blocks > 0 && source.isOpen !== true) {
    complain(walk, { kind: 'head_changed', seq: walk.seq });
  }
  for (const { seq } of walk.anchors) complain(walk, { kind: 'anchor_missing', seq });
  const writers = [...walk.writers.values()];
  const ok = walk.problems.length === 0;
  return {
    ok,
    complete:
      ok && writers.every(({ unwritten, lost, closed }) => closed && unwritten + lost === 0),
    blocks,
    events: walk.events,
    head: walk.seq === 0 ? undefined : { seq: walk.seq, hash: hexOf(walk.previous) },
    problems: walk.problems,
    writers,
  };
}

function complain({ problems }: Walk, problem: ChainProblem): void {
  if (problems.length < MOST_PROBLEMS) problems.push(problem);
}

/** In the order in which they come. */
export function eventsBySeq(events: readonly EventRow[]): Map<number, EventRow[]> {
  const found = new Map<number, EventRow[]>();
  for (const event of events) {
    const list = found.get(event.seq) ?? [];
    found.set(event.seq, list);
    list.push(event);
  }
  return found;
}

async function verifyBlock(
  walk: Walk,
  chain: string,
  row: BlockRow,
  events: readonly EventRow[],
): Promise<void> {
  const block: BlockHead = {
    chain,
    seq: Number(row['seq']),
    keyId: String(row['key_id']),
    writtenAt: Number(row['written_at']),
    writer: String(row['writer']),
    first: Number(row['first']),
    count: Number(row['count']),
    accepted: Number(row['accepted']),
    lost: Number(row['lost']),
    closing: row['closing'] === true,
  };
  const { seq } = block;
  if (seq !== walk.seq + 1) complain(walk, { kind: 'block_missing', seq: walk.seq + 1 });
  const previous = bytesOf(row['previous']);
  const hash = bytesOf(row['hash']);
  const leaves = bytesOf(row['leaves']);
  if (seq === walk.seq + 1 && hexOf(previous) !== hexOf(walk.previous)) {
    complain(walk, { kind: 'link_broken', seq });
  }
  const expected = await walk.hash.block(block, previous, leaves);
  if (walk.hash.isRetired(block)) complain(walk, { kind: 'key_retired', seq });
  if (expected === undefined) complain(walk, { kind: 'key_unknown', seq });
  else if (hexOf(expected) !== hexOf(hash) || leaves.length !== block.count * HASH_BYTES) {
    complain(walk, { kind: 'block_changed', seq });
  }
  verifyEvents(walk, block, leaves, events);
  note(walk, block);
  if (walk.anchors.length > 0) {
    const met = hexOf(hash);
    walk.anchors = walk.anchors.filter((each) => each.seq !== seq || each.hash !== met);
  }
  walk.seq = seq;
  walk.previous = hash;
  walk.events += events.length;
}

function verifyEvents(
  walk: Walk,
  { seq, count }: BlockHead,
  leaves: Uint8Array,
  events: readonly EventRow[],
): void {
  const actual = walk.hash.leaves(events.map(({ event }) => event));
  const seen = new Set<number>();
  for (const [position, { index }] of events.entries()) {
    const isTwice = seen.has(index);
    seen.add(index);
    if (isTwice || index < 0 || index >= count) complain(walk, { kind: 'event_added', seq, index });
    else if (hexOf(leafAt(actual, position)) !== hexOf(leafAt(leaves, index))) {
      complain(walk, { kind: 'event_changed', seq, index });
    }
  }
  // A count that was tampered with could be anything; the hashes of events are as many as there are.
  const hashed = Math.min(count, leaves.length / HASH_BYTES);
  for (let index = 0; index < hashed && seen.size < hashed; index++) {
    if (!seen.has(index)) complain(walk, { kind: 'event_missing', seq, index });
  }
}

function leafAt(leaves: Uint8Array, index: number): Uint8Array {
  return leaves.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
}

/** What a block says of its writer. */
function note({ writers }: Walk, block: BlockHead): void {
  const { writer, first, count, accepted, lost, closing, writtenAt } = block;
  const before = writers.get(writer);
  const written = (before?.written ?? 0) + count;
  writers.set(writer, {
    writer,
    written,
    unwritten: Math.max(0, accepted - (first + count)),
    lost,
    closed: closing,
    lastAt: writtenAt,
  });
}
