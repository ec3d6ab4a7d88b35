import {
  type AuditEvent,
  type Decision,
  type Denial,
  explain,
  type HttpFacts,
  type TraceEntry,
} from '@apisec/core';
import { CREDENTIAL_HEADERS, describeCause, secretsOf, UNKNOWN_PEER } from '@apisec/core/host';
import { headerValue } from './addresses.ts';
import { readLog, showEvent } from './audit-log.ts';
import { type Command, EXIT, type Invocation, UsageError } from './command.ts';
import { readInput } from './files.ts';
import { finished, loadModule } from './load-module.ts';
import { type ReadToken, readToken } from './read-token.ts';

/** `apisec explain`: what a token says, and which rule of a guard denies it. */
export const explainCommand: Command = {
  name: 'explain',
  summary: 'shows what a token says, and which rule of a guard denies it and why',
  usage: [
    'explain <token>            (- reads it from standard input, so that no shell keeps it)',
    'explain <id> --log audit.log   what was decided, by the id of a request or an event',
    'explain <token> --policy ./orders.ts [--export orders] [--operation "GET /orders"] [--scheme DPoP]',
  ],
  options: {
    log: { type: 'string' },
    policy: { type: 'string' },
    export: { type: 'string' },
    operation: { type: 'string' },
    scheme: { type: 'string' },
    header: { type: 'string', multiple: true },
  },
  run: async (invocation) => {
    const { positionals, text, terminal } = invocation;
    const [given] = positionals;
    if (given === undefined)
      throw new UsageError('name the token, or - to read it from standard input.');
    const log = text('log');
    if (log !== undefined) return showDecision(given, log, invocation);
    const token = (given === '-' ? await readInput() : given).trim();
    const read = readToken(token, Date.now());
    const decided = text('policy') === undefined ? undefined : await decide(invocation, token);
    terminal.json({ ...read, ...(decided && { decision: plain(decided) }) });
    show(read, invocation);
    if (decided === undefined) return read.kind === 'unreadable' ? EXIT.found : EXIT.ok;
    const { decision, secrets } = decided;
    terminal.line('');
    const [head = '', ...steps] = explain(decision, secrets).split('\n');
    terminal.line(head, decision.allowed ? 'good' : 'bad');
    for (const step of steps) terminal.line(step);
    return decision.allowed ? EXIT.ok : EXIT.found;
  },
};

function show({ kind, header, claims, remarks }: ReadToken, { terminal }: Invocation): void {
  terminal.line(KINDS[kind]);
  for (const [title, part] of [
    ['header', header],
    ['claims', claims],
  ] as const) {
    if (part !== undefined) terminal.lines(`${title} ${JSON.stringify(part, null, 2)}`);
  }
  for (const remark of remarks) terminal.line(`- ${remark}`, 'bad');
}

const KINDS: Readonly<Record<ReadToken['kind'], string>> = {
  jws: 'a signed JWT; nothing of it was verified',
  jwe: 'an encrypted JWT; only its header can be read',
  unreadable: 'not a JWT: an opaque token, or a broken one',
};

interface Decided {
  readonly decision: Decision<object>;
  /** What it was asked with. */
  readonly secrets: readonly string[];
}

async function decide({ text, texts }: Invocation, token: string): Promise<Decided> {
  const module = await loadModule(text('policy'));
  const name = text('export');
  const found = name === undefined ? module.pick('guard', 'default') : module.pick(name);
  const check: unknown = isCheckable(found) ? found.check : undefined;
  if (typeof check !== 'function') {
    throw new UsageError(
      'the module must export a guard as guard or by default, or name it by --export.',
    );
  }
  const credentials = headerValue(
    'The token, or --scheme,',
    `${text('scheme') ?? 'Bearer'} ${token}`,
  );
  const operation = text('operation') ?? 'GET /';
  const [method = 'GET', path = '/'] = operation.split(' ');
  const request = new Request(new URL(path.startsWith('/') ? path : '/', 'https://api.invalid'), {
    method,
    headers: [['authorization', credentials], ...texts('header').map(headerOf)],
  });
  const facts: HttpFacts & { transport: { encrypted: true } } = {
    call: { protocol: 'http', operation },
    peer: UNKNOWN_PEER,
    transport: { encrypted: true },
  };
  // A guard never throws, and answers a decision.
  const decision = (await finished(check(request, facts), name ?? 'the guard')) as Decision<object>;
  return { decision, secrets: secretsOf(request, CREDENTIAL_HEADERS) };
}

function isCheckable(value: unknown): value is { readonly check: unknown } {
  return typeof value === 'object' && value !== null && 'check' in value;
}

/** RFC 9110 §5.6.2. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~\w-]+$/;

function headerOf(line: string): [string, string] {
  const at = line.indexOf(':');
  const name = line.slice(0, at).trim();
  if (!HEADER_NAME.test(name)) throw new UsageError('--header must be written like "name: value".');
  return [name, headerValue(`--header ${name}`, line.slice(at + 1).trim())];
}

/** What the guard said to operators alone, without the credentials that it was asked with. */
function causeOf({ decision, secrets }: Decided): string | undefined {
  return decision.allowed ? undefined : describeCause(decision.denial.cause, secrets);
}

function plain(decided: Decided): object {
  const { decision } = decided;
  const { allowed } = decision;
  const trace = decision.trace.map(plainEntry);
  if (allowed) return { allowed, trace };
  return { allowed, denial: { ...known(decision.denial), cause: causeOf(decided) }, trace };
}

/** Causes may hold anything; the relevant one is described once. */
function plainEntry({ denial, within, ...entry }: TraceEntry): object {
  return {
    ...entry,
    ...(denial && { denial: known(denial) }),
    ...(within && { within: within.map(plainEntry) }),
  };
}

function known({ kind, code, detail }: Denial): object {
  return { kind, code, detail };
}

/** What a log says of one request, or one event. */
async function showDecision(id: string, file: string, invocation: Invocation): Promise<number> {
  const found: AuditEvent[] = [];
  for await (const event of readLog(file)) {
    if (event.requestId !== id && event.id !== id) continue;
    found.push(event);
    if (found.length === MOST_EVENTS) break;
  }
  invocation.terminal.json(found);
  if (found.length === 0) throw new UsageError(`${file} has no event with this id.`);
  for (const event of found) showEvent(event, invocation);
  return found.some(({ outcome }) => outcome === 'denied') ? EXIT.found : EXIT.ok;
}

/** A caller may send one id with many requests. */
const MOST_EVENTS = 100;
