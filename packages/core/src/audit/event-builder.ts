import type { AuditAct } from '../contracts/record-act.ts';
import type { Completion } from '../engine/obligations.ts';
import type { TraceEntry } from '../engine/trace.ts';
import { boundedCache } from '../lib/bounded-cache.ts';
import type { AuditCall } from './audit-call.ts';
import { describeCause } from './describe-cause.ts';
import { AUDIT_SCHEMA, type AuditEvent, LARGEST_EVENT_BYTES } from './event.ts';
import { isSecretName, REDACTED, redactKnown, redactName, redactText } from './redact.ts';
import { safeText } from './safe-text.ts';
import { actEventName, auditSeverities, denialEventName } from './vocabulary.ts';

const NAME = 256;
const FREE_TEXT = 1_024;
const TRACE = 24;
const TRACE_ENTRY = 96;
const DATA_MEMBERS = 16;
/** Object headers, numbers and fixed texts of an event, in bytes. */
const OVERHEAD = 512;

type Draft = { -readonly [Member in keyof AuditEvent]: AuditEvent[Member] };

/** An event and its estimated size in bytes. */
export type SizedEvent = readonly [event: AuditEvent, size: number];

/** What every event of one audit has. */
export interface EventOrigin {
  readonly nextId: () => string;
  readonly service: string | undefined;
  readonly serviceVersion: string | undefined;
}

/** Makes events of what happened: everything read defensively, redacted, made safe and cut. */
export interface EventBuilder {
  readonly decision: (
    completion: Completion,
    call: AuditCall | undefined,
    how: {
      readonly time: number;
      readonly sensitive: boolean;
      readonly sampled: number | undefined;
    },
  ) => SizedEvent;
  readonly act: (act: AuditAct, call: AuditCall | undefined, time: number) => SizedEvent;
}

const SENSITIVE_READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'QUERY', 'OPTIONS']);

export function eventBuilder(origin: EventOrigin): EventBuilder {
  /** Names come again and again: operations, principals, policies. */
  const clean = boundedCache<string>({ maxEntries: 4_096, maxBytes: 2 << 20 });
  const traces = new WeakMap<readonly TraceEntry[], readonly string[]>();

  const name = (value: unknown, secrets: readonly string[]): string | undefined => {
    if (typeof value !== 'string' || value === '') return undefined;
    if (secrets.length > 0) return safeText(redactName(value, secrets), NAME);
    const before = clean.get(value);
    if (before !== undefined) return before;
    const safe = safeText(redactName(value), NAME);
    if (value.length <= NAME) clean.set(value, safe, 4 * value.length + 64);
    return safe;
  };

  const begin = (kind: AuditEvent['kind'], time: number): Draft => ({
    schema: AUDIT_SCHEMA,
    id: origin.nextId(),
    time,
    kind,
    event: 'authz_success',
    severity: 'info',
    outcome: 'succeeded',
  });

  const who = (
    draft: Draft,
    facts: Readonly<Record<string, unknown>>,
    names: readonly string[],
  ): void => {
    const principal = objectOf(facts['principal']);
    for (const [member, from] of IDENTITY) {
      const text = name(principal[from], names);
      if (text !== undefined) draft[member] = text;
    }
    const named = facts['tenant'];
    const tenant = name(
      (typeof named === 'string' ? named : objectOf(named)['id']) ?? principal['tenant'],
      names,
    );
    if (tenant !== undefined) draft.tenant = tenant;
    const peer = name(objectOf(facts['peer'])['address'], NONE);
    if (peer !== undefined) draft.peer = peer;
    const method = name(objectOf(facts['authentication'])['method'], NONE);
    if (method !== undefined) draft.authentication = method;
    const key = name(objectOf(facts['apiKey'])['id'], names);
    if (key !== undefined) draft.apiKey = key;
    const version = facts['apiVersion'];
    const apiVersion = name(
      typeof version === 'string' ? version : objectOf(version)['version'],
      names,
    );
    if (apiVersion !== undefined) draft.apiVersion = apiVersion;
  };

  const what = (
    draft: Draft,
    facts: Readonly<Record<string, unknown>>,
    names: readonly string[],
  ): void => {
    const call = objectOf(facts['call']);
    const protocol = name(call['protocol'], NONE);
    if (protocol !== undefined) draft.protocol = protocol;
    const operation = name(call['operation'], names);
    // Where a field below the root was decided, it says more than the root fields above it.
    const { coordinate } = objectOf(facts['field']) as { readonly coordinate?: unknown };
    const coordinates = name(coordinate, names) ?? name(coordinatesOf(call), names);
    if (coordinates !== undefined) {
      draft.operation = coordinates;
      if (operation !== undefined) draft.operationName = operation;
    } else if (operation !== undefined) draft.operation = operation;
  };

  const finish = (
    draft: Draft,
    call: AuditCall | undefined,
    names: readonly string[],
  ): SizedEvent => {
    if (call !== undefined) {
      if (call.requestId !== undefined) draft.requestId = redactKnown(call.requestId, names);
      if (call.traceId !== undefined) draft.traceId = call.traceId;
      if (call.spanId !== undefined) draft.spanId = call.spanId;
    }
    if (origin.service !== undefined) draft.service = origin.service;
    if (origin.serviceVersion !== undefined) draft.serviceVersion = origin.serviceVersion;
    let size = sizeOf(draft);
    if (size > LARGEST_EVENT_BYTES) {
      // The bound holds whatever comes; who, what and why are far below it.
      delete draft.trace;
      delete draft.data;
      size = sizeOf(draft);
    }
    return [draft, size];
  };

  const shortTrace = (trace: readonly TraceEntry[]): readonly string[] => {
    const known = traces.get(trace);
    if (known !== undefined) return known;
    const short: string[] = [];
    shorten(trace, short, '');
    // Only a guard's own list of policies that all passed is there again in other calls.
    if (Object.isFrozen(trace)) traces.set(trace, Object.freeze(short));
    return short;
  };

  return {
    decision: (completion, call, { time, sensitive, sampled }) => {
      const { denial, facts, outcome, status } = completion;
      // A preflight ends with a denial that is an answer, and nobody is denied.
      const denied = denial !== undefined && denial.answer === undefined;
      const names = call?.secrets(denied ? 'all' : 'whole', facts) ?? NONE;
      const draft = begin('decision', time);
      what(draft, facts, names);
      who(draft, facts, names);
      if (denied) {
        draft.outcome = 'denied';
        draft.event = denialEventName(denial);
        draft.denialKind = denial.kind;
        const code = name(denial.code, names);
        if (code !== undefined) draft.code = code;
        const policy = denyingPolicy(completion.trace);
        if (policy !== undefined) draft.policy = safeText(policy, TRACE_ENTRY);
        const cause = describeCause(denial.cause, call?.secrets('cookies', facts) ?? NONE);
        if (cause !== undefined && cause !== '') draft.cause = safeText(cause, FREE_TEXT);
      } else {
        if (outcome === 'failed' || outcome === 'aborted') draft.outcome = outcome;
        if (sensitive) draft.event = sensitiveEvent(call?.method);
      }
      draft.severity = auditSeverities[draft.event];
      if (status !== undefined) draft.status = status;
      draft.trace = shortTrace(completion.trace);
      const weaker = gather(completion.trace, (entry) => entry.degraded);
      if (weaker.length > 0) draft.degraded = weaker;
      const filtered = droppedIn(completion.trace);
      if (filtered > 0) draft.filtered = filtered;
      const shadows = gather(completion.trace, ({ verdict, policy, denial: would }) =>
        verdict.startsWith('would') ? `${policy} ${would?.code ?? ''}`.trim() : undefined,
      );
      if (shadows.length > 0) draft.wouldDeny = shadows;
      if (call !== undefined) draft.latencyMs = call.elapsedMs();
      if (sampled !== undefined) draft.sampled = sampled;
      return finish(draft, call, names);
    },

    act: (act, call, time) => {
      const draft = begin('act', time);
      const facts = call?.facts ?? {};
      const names = call?.secrets('all', facts) ?? NONE;
      const free = call?.secrets('cookies', facts) ?? NONE;
      what(draft, facts, names);
      who(draft, facts, names);
      draft.act = name(act.act, names) ?? 'unknown';
      draft.event = actEventName(draft.act);
      draft.severity = auditSeverities[draft.event];
      const { outcome } = act;
      if (outcome === 'denied' || outcome === 'failed') draft.outcome = outcome;
      for (const member of ['principal', 'client', 'tenant', 'peer', 'requestId'] as const) {
        const given = name(act[member], names);
        if (given !== undefined) draft[member] = given;
      }
      const target = objectOf(act.target);
      const type = name(target['type'], names);
      const id = name(target['id'], names);
      if (type !== undefined && id !== undefined) draft.target = { type, id };
      if (typeof act.reason === 'string') {
        draft.reason = safeText(redactText(act.reason, free), FREE_TEXT);
      }
      const data = dataOf(act.data, free);
      if (data !== undefined) draft.data = data;
      return finish(draft, call, names);
    },
  };
}

/** Members of an event, and those of the principal that they are. */
const IDENTITY = [
  ['principal', 'id'],
  ['subject', 'subject'],
  ['issuer', 'issuer'],
  ['client', 'clientId'],
] as const;
const NONE: readonly string[] = Object.freeze([]);
const NOTHING: Readonly<Record<string, unknown>> = Object.freeze({});

/** Facts are typed by whoever adds them, and nobody else. */
function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)
    : NOTHING;
}

/** The root fields of a GraphQL call: what is called, where its name is the client's choice. */
function coordinatesOf(call: Readonly<Record<string, unknown>>): string {
  const { fields } = call as { readonly fields?: unknown };
  if (!Array.isArray(fields)) return '';
  const coordinates = new Set<string>();
  for (const field of fields.slice(0, TRACE)) {
    const { coordinate } = objectOf(field) as { readonly coordinate?: unknown };
    if (typeof coordinate === 'string') coordinates.add(coordinate);
  }
  return [...coordinates].join(',');
}

function sensitiveEvent(method: string | undefined): AuditEvent['event'] {
  if (method === undefined || SENSITIVE_READS.has(method)) return 'sensitive_read';
  if (method === 'DELETE') return 'sensitive_delete';
  return method === 'PUT' || method === 'PATCH' ? 'sensitive_update' : 'sensitive_create';
}

function denyingPolicy(trace: readonly TraceEntry[]): string | undefined {
  for (let index = trace.length - 1; index >= 0; index--) {
    const entry = trace[index];
    if (entry?.denial !== undefined && !entry.verdict.startsWith('would')) return entry.policy;
  }
  return undefined;
}

/** One line for each policy, with the parts of combined ones behind theirs. */
function shorten(trace: readonly TraceEntry[], short: string[], indent: string): void {
  for (const { policy, verdict, denial, degraded, dropped, within } of trace) {
    if (short.length === TRACE) return;
    const did = verdict.startsWith('would')
      ? 'would deny'
      : verdict === 'passed' || verdict === 'skipped'
        ? verdict
        : 'denied';
    const notes = [denial ? `${did} ${denial.code}` : did];
    if (degraded !== undefined) notes.push(`degraded: ${degraded}`);
    if (dropped !== undefined) notes.push(`dropped: ${dropped}`);
    const isPlain = verdict === 'passed' && notes.length === 1;
    const text = isPlain ? `${indent}${policy}` : `${indent}${policy}: ${notes.join(', ')}`;
    short.push(safeText(redactName(text), TRACE_ENTRY));
    if (within) shorten(within, short, `${indent}${policy} > `);
  }
}

/** What was taken out of answers is traced when they go out, by the policies themselves. */
function droppedIn(trace: readonly TraceEntry[]): number {
  return trace.reduce((sum, { dropped }) => sum + (dropped ?? 0), 0);
}

function gather(
  trace: readonly TraceEntry[],
  read: (entry: TraceEntry) => string | undefined,
  found: string[] = [],
): string[] {
  for (const entry of trace) {
    if (found.length === TRACE) return found;
    const text = read(entry);
    if (typeof text === 'string') found.push(safeText(redactName(text), TRACE_ENTRY));
    if (entry.within) gather(entry.within, read, found);
  }
  return found;
}

function dataOf(
  data: AuditAct['data'],
  secrets: readonly string[],
): Readonly<Record<string, string | number | boolean>> | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const kept: [string, string | number | boolean][] = [];
  for (const member in data) {
    if (!Object.hasOwn(data, member)) continue;
    if (kept.length === DATA_MEMBERS) break;
    const value = read(data, member);
    const called = safeText(redactName(member, secrets), TRACE_ENTRY);
    if (isSecretName(member)) kept.push([called, REDACTED]);
    else if (typeof value === 'string') {
      kept.push([called, safeText(redactText(value, secrets), NAME)]);
    } else if (
      typeof value === 'boolean' ||
      (typeof value === 'number' && Number.isFinite(value))
    ) {
      kept.push([called, value]);
    }
  }
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

function read(data: object, member: string): unknown {
  try {
    return (data as Readonly<Record<string, unknown>>)[member];
  } catch {
    return undefined;
  }
}

/** Two bytes for each code unit; the lists and objects of an event are flat. */
function sizeOf(event: AuditEvent): number {
  let units = 0;
  for (const member in event) {
    // The names are those of the loop.
    const value: unknown = event[member as keyof AuditEvent];
    if (typeof value === 'string') units += value.length;
    else if (Array.isArray(value)) for (const text of value) units += String(text).length;
    else if (typeof value === 'object' && value !== null) {
      for (const [name, text] of Object.entries(value)) units += name.length + String(text).length;
    }
  }
  return OVERHEAD + 2 * units;
}
