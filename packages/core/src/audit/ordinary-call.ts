import type { Completion } from '../engine/obligations.ts';
import type { AuditCall } from './audit-call.ts';
import type { CleanName } from './clean-names.ts';
import { AUDIT_SCHEMA, type AuditEvent, EVENT_OVERHEAD, LARGEST_EVENT_BYTES } from './event.ts';
import {
  type EventPart,
  NO_PART,
  partOf,
  rememberedParts,
  whatMembers,
  whoMembers,
} from './event-parts.ts';
import { levelOf, messageOf, quoted } from './json-line.ts';
import { type Called, calledOf, type Identity, identityOf, peerOf } from './read-facts.ts';

/** What the events of one audit have in common. */
export interface EventOrigin {
  /** What the ids of all of them begin with; their number follows. */
  readonly idPrefix: string;
  readonly service: string | undefined;
  readonly serviceVersion: string | undefined;
}

/**
 * An admitted call that succeeded, with nothing else to report: nearly all calls. Until it is
 * written it is held as its few own values, with parts that it shares with other calls. An object with all members for
 * each call costs several times as much, most of it when garbage is collected.
 */
export interface OrdinaryCall {
  readonly size: number;
  readonly whole: undefined;
  readonly idPrefix: string;
  readonly number: number;
  readonly time: number;
  readonly what: WhatPart;
  readonly who: EventPart;
  readonly peer: EventPart;
  readonly trace: EventPart;
  readonly service: EventPart;
  readonly status: number | undefined;
  readonly sampled: number | undefined;
  readonly latencyMs: number | undefined;
  /** Nothing that JSON escapes: see `AuditCall`. */
  readonly requestId: string | undefined;
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
}

interface WhatPart extends EventPart {
  /** The line up to the id of the event. */
  readonly head: string;
}

/** What is to be recorded of one call. */
export interface Told {
  readonly completion: Completion;
  readonly call: AuditCall | undefined;
  /** Undefined if it says more than that policies passed. */
  readonly trace: EventPart | undefined;
  readonly time: number;
  readonly sampled: number | undefined;
}

const ORDINARY = {
  kind: 'decision',
  event: 'authz_success',
  severity: 'info',
  outcome: 'succeeded',
} as const satisfies Partial<AuditEvent>;
const ORDINARY_PART = partOf(ORDINARY);
const NONE: readonly string[] = Object.freeze([]);
/** The ids of a trace and of a span (W3C), and the number of an event. */
const IDS = 48 + 16;

/**
 * Undefined for calls that are not ordinary, or larger than an event may be. The caller makes sure that nothing which
 * the call came with is one of its names.
 */
export function ordinaryCalls(
  idPrefix: string,
  ofService: Partial<AuditEvent>,
  clean: CleanName,
  nextNumber: () => number,
): (told: Told) => OrdinaryCall | undefined {
  const service = partOf(ofService);
  const whoPart = rememberedParts<Identity, EventPart>(
    ({ principal }) => principal,
    isSameCaller,
    (identity) => partOf(whoMembers(identity, clean, NONE)),
  );
  const whatPart = rememberedParts<Called, WhatPart>(
    ({ operation, coordinates }) => coordinates || operation,
    isSameOperation,
    (called) => {
      const members = whatMembers(called, clean, NONE);
      const message = messageOf({ ...ORDINARY, ...members });
      const head = `{"level":${levelOf(ORDINARY)},"msg":${quoted(message)}`;
      return { ...partOf(members), head: `${head},"schema":"${AUDIT_SCHEMA}","id":"${idPrefix}` };
    },
  );
  const peerPart = rememberedParts<Peer, EventPart>(
    ({ address }) => address,
    (one, other) => one.address === other.address,
    ({ address }) => {
      const peer = clean(address, NONE);
      return peer === undefined ? NO_PART : partOf({ peer });
    },
  );

  return ({ completion, call, trace, time, sampled }) => {
    const { facts, outcome, status, denial } = completion;
    if (outcome !== 'succeeded' || denial !== undefined || trace === undefined) return undefined;
    if (status !== undefined && !Number.isSafeInteger(status)) return undefined;
    const what = whatPart(calledOf(facts));
    const who = whoPart(identityOf(facts));
    const peer = peerPart({ address: peerOf(facts) });
    const units = what.units + who.units + peer.units + trace.units + service.units;
    const own = idPrefix.length + IDS + (call?.requestId?.length ?? 0);
    const size = EVENT_OVERHEAD + 2 * (units + own + ORDINARY_PART.units);
    if (size > LARGEST_EVENT_BYTES) return undefined;
    return {
      size,
      whole: undefined,
      idPrefix,
      number: nextNumber(),
      time,
      what,
      who,
      peer,
      trace,
      service,
      status,
      sampled,
      latencyMs: call?.elapsedMs(),
      requestId: call?.requestId,
      traceId: call?.traceId,
      spanId: call?.spanId,
    };
  };
}

interface Peer {
  readonly address: unknown;
}

function isSameCaller(one: Identity, other: Identity): boolean {
  return (
    one.principal === other.principal &&
    one.subject === other.subject &&
    one.issuer === other.issuer &&
    one.client === other.client &&
    one.tenant === other.tenant &&
    one.authentication === other.authentication &&
    one.apiKey === other.apiKey &&
    one.apiVersion === other.apiVersion
  );
}

function isSameOperation(one: Called, other: Called): boolean {
  return (
    one.operation === other.operation &&
    one.protocol === other.protocol &&
    one.coordinates === other.coordinates
  );
}

export function serviceMembers({ service, serviceVersion }: EventOrigin): Partial<AuditEvent> {
  return {
    ...(service !== undefined && { service }),
    ...(serviceVersion !== undefined && { serviceVersion }),
  };
}

/** The event as sinks get it. Its members stand in the order of {@link ordinaryLine}. */
export function ordinaryEvent(call: OrdinaryCall): AuditEvent {
  const { status, latencyMs, sampled, requestId, traceId, spanId } = call;
  return {
    schema: AUDIT_SCHEMA,
    id: `${call.idPrefix}${call.number}`,
    time: call.time,
    ...ORDINARY,
    ...call.what.members,
    ...call.who.members,
    ...call.peer.members,
    ...(status !== undefined && { status }),
    ...call.trace.members,
    ...(latencyMs !== undefined && { latencyMs }),
    ...(sampled !== undefined && { sampled }),
    ...(requestId !== undefined && { requestId }),
    ...(traceId !== undefined && { traceId }),
    ...(spanId !== undefined && { spanId }),
    ...call.service.members,
  };
}

/** Its line of JSON: what `jsonLine` makes of the event. */
export function ordinaryLine(call: OrdinaryCall): string {
  const { what, status, latencyMs, sampled, requestId, traceId, spanId } = call;
  let line = `${what.head}${call.number}","time":${call.time}${ORDINARY_PART.json}${what.json}`;
  line += call.who.json + call.peer.json;
  if (status !== undefined) line += `,"status":${status}`;
  line += call.trace.json;
  if (latencyMs !== undefined) line += `,"latencyMs":${latencyMs}`;
  if (sampled !== undefined) line += `,"sampled":${sampled}`;
  if (requestId !== undefined) line += `,"requestId":"${requestId}"`;
  if (traceId !== undefined) line += `,"traceId":"${traceId}"`;
  if (spanId !== undefined) line += `,"spanId":"${spanId}"`;
  return `${line}${call.service.json}}`;
}
