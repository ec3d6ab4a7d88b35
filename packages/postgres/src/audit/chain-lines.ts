import type { AuditDelivery, AuditEvent, AuditSink } from '@apisec/core';
import { assertConfiguration, assertKnownOptions } from '@apisec/core/host';
import { exportLine, openHead } from './chain-export.ts';
import { type AuditChainKeys, type BlockHead, chainHash, HASH_BYTES, hexOf } from './chain-hash.ts';
import { assertChain, type PostgresAuditSink } from './postgres-audit-sink.ts';

/** Options of {@link chainLines}. */
export interface ChainLinesOptions extends Pick<AuditSink, 'required' | 'accepts'> {
  readonly keys: AuditChainKeys;
  /** What verifiers call it. Default: `audit`. */
  readonly chain?: string | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const NAME = 'chainLines';

/**
 * Writes events as `exportChain` does, without a database: blocks that are chained by HMAC-SHA-256, a line of JSON for
 * each, for `verifyChainExport` and `apisec audit verify --lines`. `write` gets whole lines and answers once they are
 * written; only then are the events acknowledged.
 *
 * Each process begins a chain and a file of its own, which nobody else writes to. A write that fails may leave half a
 * line: this sink then accepts no more events, and says so for each (`required` acts are denied, others are counted as
 * lost), so that nothing follows what cannot be verified. Keep `anchor()` elsewhere: without one nobody can tell
 * that the end of a file was cut off.
 *
 * @throws ConfigurationError for keys or a chain that are not valid, and without a function.
 * @example
 * const file = await open(`trail-${Date.now()}.jsonl`, 'wx', 0o600);
 * const log = audit({ sinks: [chainLines((text) => file.appendFile(text), { keys })] });
 */
export function chainLines(
  write: (text: string) => unknown,
  options: ChainLinesOptions,
): PostgresAuditSink {
  assertKnownOptions(NAME, options, ['keys', 'chain', 'now', 'required', 'accepts']);
  assertConfiguration(
    typeof write === 'function',
    `${NAME}: pass a function that writes text: (text) => file.appendFile(text).`,
  );
  const { chain = 'audit', now = Date.now, required, accepts } = options;
  assertChain(NAME, chain);
  const hash = chainHash(NAME, options.keys);
  let seq = 0;
  let previous: Uint8Array = new Uint8Array(HASH_BYTES);
  /** Events in the file, and those of them that were acknowledged: a write that took too long may have come through. */
  let written = 0;
  let acknowledged = 0;
  let latest: AuditDelivery | undefined;
  let pending: Promise<void> = Promise.resolve();
  let failure: Error | undefined;

  const append = async (
    events: readonly AuditEvent[],
    { writer, accepted, lost }: AuditDelivery,
    closing: boolean,
  ): Promise<void> => {
    const texts = events.map((event) => JSON.stringify(event));
    const block: BlockHead = {
      chain,
      seq: seq + 1,
      keyId: hash.current,
      writtenAt: Math.round(now()),
      writer,
      first: written,
      count: texts.length,
      accepted,
      lost,
      closing,
    };
    const leaves = hash.leaves(texts);
    const next = await hash.block(block, previous, leaves);
    if (next === undefined) throw new Error(`${NAME}: no key "${block.keyId}"`);
    const line = exportLine(block, previous, next, leaves, texts);
    try {
      await write(seq === 0 ? openHead(chain) + line : line);
    } catch (cause) {
      failure = new Error(`${NAME}: a write failed, so nothing more is written after it`, {
        cause,
      });
      throw failure;
    }
    seq = block.seq;
    previous = next;
    written += texts.length;
  };

  /** One block after the other, also where one was given up on. */
  const put = (
    events: readonly AuditEvent[],
    delivery: AuditDelivery,
    closing: boolean,
  ): Promise<void> => {
    const before = pending;
    const begin = async (): Promise<void> => {
      await before;
      if (failure !== undefined) throw failure;
      delivery.signal.throwIfAborted();
      // The same events are offered again until they are acknowledged.
      const rest = events.slice(written - acknowledged);
      if (rest.length > 0 || closing) await append(rest, delivery, closing);
      // Given up on meanwhile: the same events come again, and are skipped.
      if (!delivery.signal.aborted) acknowledged = written;
    };
    const mine = begin();
    pending = mine.catch(() => undefined);
    return mine;
  };

  return Object.freeze<PostgresAuditSink>({
    name: `lines ${chain}`,
    required,
    accepts,
    write: (events, delivery) => {
      // Whose events were acknowledged could not be told.
      if (latest !== undefined && latest.writer !== delivery.writer) {
        throw new Error(
          `${NAME}: this sink belongs to another audit. Make one for each, with its own file.`,
        );
      }
      latest = delivery;
      return put(events, delivery, false);
    },
    close: async () => {
      if (latest === undefined || failure !== undefined) return;
      await put([], { ...latest, signal: new AbortController().signal }, true);
    },
    anchor: () => (seq === 0 ? undefined : { seq, hash: hexOf(previous) }),
  });
}
