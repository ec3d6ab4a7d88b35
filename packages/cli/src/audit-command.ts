import { writeFile } from 'node:fs/promises';
import { isObject } from '@apisec/core/host';
import { type Command, EXIT, type Invocation, UsageError } from './command.ts';
import { denials } from './denials.ts';
import { linesOf, readJson } from './files.ts';
import { type LoadedModule, loadModule } from './load-module.ts';

/** What a module exports as `chain`: the arguments of `verifyChain`. */
export interface Chain {
  readonly client: object;
  readonly keys: object;
  readonly schema?: string | undefined;
  readonly chain?: string | undefined;
}

interface Anchor {
  readonly seq: number;
  readonly hash: string;
}

/** What `verifyChain` of `@apisec/postgres` answers, as far as it is told here. */
interface Report {
  readonly ok: boolean;
  readonly complete: boolean;
  readonly blocks: number;
  readonly events: number;
  readonly head: Anchor | undefined;
  readonly problems: readonly {
    readonly kind: string;
    readonly seq: number;
    readonly index?: number;
  }[];
  readonly writers: readonly {
    readonly writer: string;
    readonly written: number;
    readonly unwritten: number;
    readonly lost: number;
    readonly closed: boolean;
  }[];
}

/** How often the progress of an export is reported. */
const PROGRESS_LINES = 1_000;

/** `apisec audit`: who was denied and why, and whether the hash chain of a trail was changed. */
export const auditCommand: Command = {
  name: 'audit',
  summary: 'shows who was denied and why, and verifies the hash chain of an audit trail',
  usage: [
    'audit denials audit.log [--newest 3]         who was denied what and why, from JSON lines',
    'audit verify <module> [--anchor anchor.json] [--write-anchor anchor.json]',
    'audit verify <module> --lines trail.jsonl    without the database; the module exports the keys',
    'audit export <module> > trail.jsonl          the module exports chain = { client, keys }',
  ],
  options: {
    newest: { type: 'string' },
    lines: { type: 'string' },
    anchor: { type: 'string' },
    'write-anchor': { type: 'string' },
  },
  run: async (invocation) => {
    const [action, file] = invocation.positionals;
    if (action === 'denials') return denials(invocation);
    if (action !== 'verify' && action !== 'export') {
      throw new UsageError('name a subcommand: denials, verify or export.');
    }
    const module = await loadModule(file);
    const chain = chainOf(module, invocation.text('lines') === undefined);
    const postgres = await module.require('@apisec/postgres');
    return action === 'verify'
      ? verify(postgres, chain, invocation)
      : exportLines(postgres, chain, invocation);
  },
};

/** Verifies with what the module's own `@apisec/postgres` exports. */
export async function verify(
  { verifyChain, verifyChainExport }: Readonly<Record<string, unknown>>,
  { client, ...options }: Chain,
  { text, terminal }: Invocation,
): Promise<number> {
  const anchors = await anchorsOf(text('anchor'));
  const file = text('lines');
  const onProgress = (blocks: number): void => terminal.progress(`${blocks} blocks`);
  // Both are of the package that the module itself uses.
  const report = await (file === undefined
    ? (verifyChain as (client: object, options: object) => Promise<Report>)(client, {
        ...options,
        anchors,
        onProgress,
      })
    : (verifyChainExport as (lines: AsyncIterable<string>, options: object) => Promise<Report>)(
        exportedLines(file),
        { keys: options.keys, chain: options.chain, anchors, onProgress },
      ));
  terminal.progress('');
  terminal.json(report);
  for (const { kind, seq, index } of report.problems) {
    const where = index === undefined ? `block ${seq}` : `block ${seq}, event ${index}`;
    terminal.line(`${kind.replace('_', ' ')}   ${where}`, 'bad');
  }
  for (const { writer, written, unwritten, lost, closed } of report.writers) {
    const gap = unwritten + lost > 0 || !closed;
    const state = closed ? 'closed' : 'killed, or still running';
    const told = `${written} written, ${unwritten} accepted and never written, ${lost} lost, ${state}`;
    terminal.line(`writer ${writer}   ${told}`, gap ? 'bad' : 'plain');
  }
  const { ok, complete, blocks, events, head } = report;
  terminal.line(`${events} events in ${blocks} blocks`);
  if (ok && blocks === 0) {
    // The same as of a trail that was removed as a whole.
    terminal.line('There is no block, so nothing was verified.', 'bad');
    return EXIT.found;
  }
  terminal.line(ok ? 'Nothing was changed.' : 'The trail was changed.', ok ? 'good' : 'bad');
  if (ok && !complete) terminal.line('It has gaps, or a writer that still runs: see above.', 'dim');
  if (ok && anchors.length === 0) {
    terminal.line('Without --anchor nobody can tell whether its end was cut off.', 'dim');
  }
  const target = text('write-anchor');
  // An anchor of a trail that was changed would make the change look right.
  if (target !== undefined && ok && head !== undefined) {
    await writeFile(target, `${JSON.stringify([head])}\n`);
  }
  return ok ? EXIT.ok : EXIT.found;
}

/** A block has at most some thousand events. */
const LONGEST_BLOCK = 64 << 20;

async function* exportedLines(file: string): AsyncGenerator<string> {
  for await (const line of linesOf(file, LONGEST_BLOCK)) {
    if (line === undefined) throw new UsageError(`${file} has a line that is longer than a block.`);
    yield line;
  }
}

/** Writes out with what the module's own `@apisec/postgres` exports. */
export async function exportLines(
  { exportChain }: Readonly<Record<string, unknown>>,
  { client, schema, chain }: Chain,
  { terminal }: Invocation,
): Promise<number> {
  // It is of the package that the module itself uses.
  const lines = (exportChain as (client: object, options: object) => AsyncIterable<string>)(
    client,
    { schema, chain },
  );
  let written = 0;
  for await (const line of lines) {
    await terminal.raw(line);
    // The first line is the head of the trail.
    if (written++ % PROGRESS_LINES === 0) terminal.progress(`${written - 1} blocks`);
  }
  terminal.progress('');
  return EXIT.ok;
}

function chainOf(module: LoadedModule, needsClient: boolean): Chain {
  const chain = module.pick('chain');
  const client = isObject(chain) ? chain['client'] : undefined;
  const isClient = isObject(client) && typeof client['query'] === 'function';
  const isWhole = isObject(chain) && isObject(chain['keys']) && (!needsClient || isClient);
  if (!isWhole) {
    throw new UsageError(
      'the module must export chain: { client, keys }, as postgresAuditSink has them.',
    );
  }
  return chain as unknown as Chain;
}

async function anchorsOf(file: string | undefined): Promise<readonly Anchor[]> {
  if (file === undefined) return [];
  const parsed = await readJson(file);
  const list: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed];
  if (list.length === 0 || !list.every(isAnchor)) {
    throw new UsageError(`${file} holds no anchor: { "seq": 12, "hash": "…" }, or a list of them.`);
  }
  // Each was looked at.
  return list as readonly Anchor[];
}

function isAnchor(value: unknown): boolean {
  return isObject(value) && Number.isSafeInteger(value['seq']) && typeof value['hash'] === 'string';
}
