import type { AuditAct } from '../contracts/record-act.ts';
import type { Completion } from '../engine/obligations.ts';
import type { AuditCall } from './audit-call.ts';
import { nameCleaner } from './clean-names.ts';
import { describeCause } from './describe-cause.ts';
import { AUDIT_SCHEMA, type AuditEvent, EVENT_OVERHEAD, LARGEST_EVENT_BYTES } from './event.ts';
import { unitsOf, whatMembers, whoMembers } from './event-parts.ts';
import { type EventOrigin, ordinaryCalls, serviceMembers } from './ordinary-call.ts';
import type { PendingEvent, WholeEvent } from './pending-event.ts';
import { calledOf, identityOf, objectOf, peerOf } from './read-facts.ts';
import { isSecretName, REDACTED, redactKnown, redactName, redactText } from './redact.ts';
import { safeText } from './safe-text.ts';
import { denyingPolicy, droppedIn, gather, TRACE_ENTRY, traceShortener } from './short-trace.ts';
import { actEventName, auditSeverities, denialEventName } from './vocabulary.ts';

const NAME = 256;
const FREE_TEXT = 1_024;
const DATA_MEMBERS = 16;

type Draft = { -readonly [Member in keyof AuditEvent]: AuditEvent[Member] };

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
  ) => PendingEvent;
  readonly act: (act: AuditAct, call: AuditCall | undefined, time: number) => WholeEvent;
}

const SENSITIVE_READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'QUERY', 'OPTIONS']);

export function eventBuilder(origin: EventOrigin): EventBuilder {
  const name = nameCleaner();
  const shorten = traceShortener();
  let number = 0;
  const nextNumber = (): number => ++number;
  const service = serviceMembers(origin);
  const ordinary = ordinaryCalls(origin.idPrefix, service, name, nextNumber);

  const begin = (kind: AuditEvent['kind'], time: number): Draft => ({
    schema: AUDIT_SCHEMA,
    id: `${origin.idPrefix}${nextNumber()}`,
    time,
    kind,
    event: 'authz_success',
    severity: 'info',
    outcome: 'succeeded',
  });

  const describe = (
    draft: Draft,
    facts: Readonly<Record<string, unknown>>,
    names: readonly string[],
  ): void => {
    const peer = name(peerOf(facts), NONE);
    Object.assign(
      draft,
      whatMembers(calledOf(facts), name, names),
      whoMembers(identityOf(facts), name, names),
      peer !== undefined && { peer },
    );
  };

  const finish = (
    draft: Draft,
    call: AuditCall | undefined,
    names: readonly string[],
  ): WholeEvent => {
    if (call !== undefined) {
      if (call.requestId !== undefined) draft.requestId = redactKnown(call.requestId, names);
      if (call.traceId !== undefined) draft.traceId = call.traceId;
      if (call.spanId !== undefined) draft.spanId = call.spanId;
    }
    Object.assign(draft, service);
    let size = sizeOf(draft);
    if (size > LARGEST_EVENT_BYTES) {
      // The bound holds whatever comes; who, what and why are far below it.
      delete draft.trace;
      delete draft.data;
      size = sizeOf(draft);
    }
    return { whole: draft, size };
  };

  return {
    decision: (completion, call, { time, sensitive, sampled }) => {
      const { denial, facts, outcome, status } = completion;
      // A preflight is answered by a denial, but no caller is denied.
      const denied = denial !== undefined && denial.answer === undefined;
      const names = call?.secrets(denied ? 'all' : 'whole', facts) ?? NONE;
      const short = shorten(completion.trace);
      if (!sensitive && names.length === 0) {
        const known = ordinary({ completion, call, trace: short.plain, time, sampled });
        if (known !== undefined) return known;
      }
      const draft = begin('decision', time);
      describe(draft, facts, names);
      if (denied) {
        draft.outcome = 'denied';
        draft.event = denialEventName(denial);
        draft.denialKind = denial.kind;
        const code = name(denial.code, names);
        if (code !== undefined) draft.code = code;
        const policy = denyingPolicy(completion.trace);
        if (policy !== undefined) draft.policy = safeText(redactName(policy), TRACE_ENTRY);
        const cause = describeCause(denial.cause, call?.secrets('cookies', facts) ?? NONE);
        if (cause !== undefined && cause !== '') draft.cause = safeText(cause, FREE_TEXT);
      } else {
        if (outcome === 'failed' || outcome === 'aborted') draft.outcome = outcome;
        if (sensitive) draft.event = sensitiveEvent(call?.method);
      }
      draft.severity = auditSeverities[draft.event];
      if (status !== undefined) draft.status = status;
      draft.trace = short.lines;
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
      describe(draft, facts, names);
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

const NONE: readonly string[] = Object.freeze([]);

function sensitiveEvent(method: string | undefined): AuditEvent['event'] {
  if (method === undefined || SENSITIVE_READS.has(method)) return 'sensitive_read';
  if (method === 'DELETE') return 'sensitive_delete';
  return method === 'PUT' || method === 'PATCH' ? 'sensitive_update' : 'sensitive_create';
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

function sizeOf(event: AuditEvent): number {
  return EVENT_OVERHEAD + 2 * unitsOf(event);
}
