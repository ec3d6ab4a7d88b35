import { assertConfiguration, assertKnownOptions, isObject } from '@apisec/core/host';
import { type PostgresClient, type SchemaOptions, schemaName } from '../client/postgres-client.ts';
import { type BlockHead, bytesOf, hexOf } from './chain-hash.ts';
import {
  BEGINNING,
  type BlockRow,
  type ChainPage,
  type ChainSource,
  databaseSource,
  type EventRow,
  PAGE,
} from './chain-source.ts';
import { type ChainReport, eventsBySeq, type VerifyOptions, verifySource } from './verify-chain.ts';

/** Options of {@link exportChain}. */
export interface ExportChainOptions extends SchemaOptions {
  /** Default: `audit`. */
  readonly chain?: string | undefined;
}

const VERIFY = 'verifyChainExport';
/** The first member of the first line; another one is another format. */
const FORMAT = 'apisec.audit-export/1';
/** What an export has of each block: as text in hexadecimal, as a number that drivers give as text, or as it is. */
const COLUMNS: Readonly<Record<string, 'bytes' | 'number' | 'plain'>> = {
  seq: 'number',
  previous: 'bytes',
  hash: 'bytes',
  key_id: 'plain',
  written_at: 'number',
  writer: 'plain',
  first: 'number',
  count: 'plain',
  accepted: 'number',
  lost: 'number',
  closing: 'plain',
  leaves: 'bytes',
};
/** A block of the largest batch, with room to spare: what is longer was not written by an export. */
const LONGEST_LINE = 64 << 20;

/**
 * Writes a chain as JSON lines, for auditors and archives: first the end as the chain knows it, then each block with
 * its hashes and the events as they were hashed. `verifyChainExport` verifies it without the database. Rejects with
 * what the database says.
 *
 * @throws ConfigurationError for a schema that is none.
 * @example
 * for await (const line of exportChain(pool)) file.write(line);
 */
export function exportChain(
  client: PostgresClient,
  options: ExportChainOptions = {},
): AsyncIterable<string> {
  const schema = schemaName('exportChain', options, ['chain']);
  const { chain = 'audit' } = options;
  return exported(databaseSource(client, schema, chain), chain);
}

async function* exported(source: ChainSource, chain: string): AsyncGenerator<string> {
  const end = await source.end();
  const last = end && { seq: Number(end['seq']), hash: plain(end['hash'], 'hash') };
  yield headLine({ chain, end: last });
  for (let from = BEGINNING, isLast = false; !isLast; ) {
    // Page by page, so that memory stays bounded.
    const page = await source.page(from);
    isLast = page.isLast;
    for (const line of linesOf(page, chain)) yield line;
    from = Number(page.blocks.at(-1)?.['seq'] ?? from);
  }
}

function headLine(head: {
  readonly chain: string;
  readonly end?: unknown;
  readonly open?: true;
}): string {
  return `${JSON.stringify({ format: FORMAT, ...head })}\n`;
}

/** The first line of a chain that is still written: it has no end of its own, and goes on to its last line. */
export function openHead(chain: string): string {
  return headLine({ chain, open: true });
}

/** The line of one block, with the events as they were hashed. */
export function exportLine(
  { chain, seq, keyId, writtenAt, writer, first, count, accepted, lost, closing }: BlockHead,
  previous: Uint8Array,
  hash: Uint8Array,
  leaves: Uint8Array,
  events: readonly string[],
): string {
  const row = {
    seq,
    key_id: keyId,
    written_at: writtenAt,
    writer,
    first,
    count,
    accepted,
    lost,
    closing,
    previous,
    hash,
    leaves,
  };
  return blockLine(
    chain,
    row,
    events.map((event, index) => [index, event]),
  );
}

/** A row that is read from a database holds its numbers and bytes in the manner of its driver. */
function blockLine(
  chain: string,
  row: BlockRow,
  events: readonly (readonly [index: number, event: string])[],
): string {
  const block = Object.fromEntries(
    Object.keys(COLUMNS).map((name) => [name, plain(row[name], name)]),
  );
  return `${JSON.stringify({ chain, block, events })}\n`;
}

/** Events that no block stands for come last: whoever added them is found by it. */
function* linesOf({ blocks, events }: ChainPage, chain: string): Generator<string> {
  const bySeq = eventsBySeq(events);
  const seen = new Set<number>();
  for (const row of blocks) {
    const seq = Number(row['seq']);
    seen.add(seq);
    const ofBlock = bySeq.get(seq) ?? [];
    yield blockLine(
      chain,
      row,
      ofBlock.map(({ index, event }) => [index, event]),
    );
  }
  for (const { seq, index, event } of events) {
    if (!seen.has(seq)) yield `${JSON.stringify({ chain, added: [seq, index, event] })}\n`;
  }
}

function plain(value: unknown, name: string): unknown {
  if (COLUMNS[name] === 'bytes') return `\\x${hexOf(bytesOf(value))}`;
  const isNumber = typeof value === 'string' && /^-?\d+$/.test(value) && COLUMNS[name] === 'number';
  return isNumber ? Number(value) : value;
}

/** Options of {@link verifyChainExport}. */
export interface VerifyChainExportOptions extends VerifyOptions {
  /** Which chain it must be. Default: the one that its first line names. */
  readonly chain?: string | undefined;
}

/**
 * Verifies what {@link exportChain} or `chainLines` wrote, as `verifyChain` does in the database. `lines` are the lines
 * of the file, in order, without their breaks. Memory is bounded by a hundred blocks.
 *
 * @throws ConfigurationError for keys that are not valid. Rejects what is not such an export.
 * @example
 * const lines = createInterface({ input: createReadStream('trail.jsonl') });
 * const report = await verifyChainExport(lines, { keys });
 */
export async function verifyChainExport(
  lines: AsyncIterable<string>,
  options: VerifyChainExportOptions,
): Promise<ChainReport> {
  assertKnownOptions(VERIFY, options, ['keys', 'chain', 'anchors', 'onProgress']);
  const reader = lines[Symbol.asyncIterator]();
  let head: Readonly<Record<string, unknown>> | undefined;
  const read = async (): Promise<Readonly<Record<string, unknown>> | undefined> => {
    const { done, value } = await reader.next();
    if (done === true) return undefined;
    if (value === '') return read();
    if (value.length > LONGEST_LINE) throw new Error('A line is too long for an audit export.');
    let parsed: unknown;
    try {
      parsed = JSON.parse(value);
    } catch {
      // A writer that was killed leaves half a line at the end: as if it had written none of it.
      if (head?.['open'] === true && (await reader.next()).done === true) return undefined;
      throw new Error('A line is not JSON, so this is not a whole audit export.');
    }
    if (!isObject(parsed))
      throw new Error('A line is not an object, so this is not an audit export.');
    return parsed;
  };
  head = await read();
  if (head?.['format'] !== FORMAT) {
    throw new Error(`The first line must say ${FORMAT}: make it with exportChain.`);
  }
  const { chain = String(head['chain']) } = options;
  assertConfiguration(
    chain === head['chain'],
    `${VERIFY}: the file holds the chain ${JSON.stringify(head['chain'])}, not the one asked for.`,
  );
  return verifySource(VERIFY, linesSource(head, read), chain, options);
}

function linesSource(
  head: Readonly<Record<string, unknown>>,
  read: () => Promise<Readonly<Record<string, unknown>> | undefined>,
): ChainSource {
  return {
    isOpen: head['open'] === true,
    blocksSince: async () => new Set(),
    end: async () => (isObject(head['end']) ? head['end'] : undefined),
    // The pages are asked for in order, so `from` is where the reader stands.
    page: async () => {
      const blocks: BlockRow[] = [];
      const events: EventRow[] = [];
      while (blocks.length < PAGE && events.length < MOST_EVENTS) {
        const line = await read();
        if (line === undefined) return { blocks, events, isLast: true };
        const { block, events: list, added } = line;
        if (Array.isArray(added)) events.push(eventOf(added[0], added.slice(1)));
        else if (isObject(block)) {
          blocks.push(block);
          if (!Array.isArray(list)) throw new Error('A block has no list of events.');
          for (const each of list) events.push(eventOf(block['seq'], each));
        } else throw new Error('A line is neither a block nor an event.');
      }
      return { blocks, events, isLast: false };
    },
  };
}

const MOST_EVENTS = 100_000;

function eventOf(seq: unknown, pair: unknown): EventRow {
  const [index, event] = Array.isArray(pair) ? pair : [];
  if (typeof index !== 'number' || typeof event !== 'string') {
    throw new Error('An event is not an index and a text.');
  }
  return { seq: Number(seq), index, event };
}
