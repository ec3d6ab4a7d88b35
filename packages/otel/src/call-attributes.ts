import type { CallFacts, TraceEntry } from '@apisec/core';
import { redactName, redactOperation, safeText } from '@apisec/core/host';
import * as names from './names.ts';

/** Attributes of spans, events and log records. */
export type Attributes = Record<string, string | string[]>;

/** Where nothing is to be kept out. */
export const NONE: readonly string[] = Object.freeze([]);
const TEXT = 256;

/** A name as it may stand in telemetry: cut, on one line, without `secrets`. */
export function safe(text: string, secrets: readonly string[] = NONE): string {
  return safeText(redactName(text, secrets), TEXT);
}

/** The same for an operation, which may hold a path. */
export function safeOperation(text: string, secrets: readonly string[]): string {
  return safeText(redactOperation(text, secrets), TEXT);
}

/** What a call is named by. */
export function callOf(facts: Readonly<Record<string, unknown>>): {
  operation: string;
  protocol: string;
} {
  // Adapters supply it; where nobody did, it is said to be unknown.
  const call = facts['call'] as CallFacts['call'] | undefined;
  if (call === undefined) return { operation: names.OTHER, protocol: names.OTHER };
  if (call.protocol !== 'graphql') return { operation: call.operation, protocol: call.protocol };
  // The name of a GraphQL operation is the client's; what it calls are its root fields.
  const coordinates = new Set(call.fields.map(({ coordinate }) => coordinate));
  const [only = names.OTHER] = coordinates;
  return { operation: coordinates.size === 1 ? only : names.OTHER, protocol: call.protocol };
}

/** The policy that denied the call. */
export function denyingPolicy(entries: readonly TraceEntry[]): string | undefined {
  return entries.findLast(({ denial, verdict }) => denial !== undefined && verdict === 'denied')
    ?.policy;
}

/** Policies whose store did not answer, those within combinations included. */
export function degradedPolicies(entries: readonly TraceEntry[]): string[] {
  return entries.flatMap(({ policy, degraded, within }) => [
    ...(degraded === undefined ? [] : [policy]),
    ...(within === undefined ? [] : degradedPolicies(within)),
  ]);
}

/** What policies in shadow mode would have denied. */
export function shadowAttribute(entries: readonly TraceEntry[]): Attributes {
  const would = entries.filter(({ verdict }) => verdict === 'would_deny');
  return would.length === 0
    ? {}
    : {
        [names.WOULD_DENY]: would.map(({ policy, denial }) =>
          safe(`${policy} ${denial?.code ?? ''}`),
        ),
      };
}

/** Tenant and client of the call. */
export function identity(
  facts: Readonly<Record<string, unknown>>,
  secrets: readonly string[],
): Attributes {
  const { clientId, tenant: own } = (facts['principal'] ?? {}) as Readonly<Record<string, unknown>>;
  const given = facts['tenant'];
  const tenant = typeof given === 'string' ? given : own;
  return {
    ...(typeof clientId === 'string' && { [names.CLIENT]: safe(clientId, secrets) }),
    ...(typeof tenant === 'string' && { [names.TENANT]: safe(tenant, secrets) }),
  };
}
