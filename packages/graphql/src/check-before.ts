import type { Admission, Decision, Denial, GraphqlFacts, MaybePromise } from '@apisec/core';
import { chain, fault } from '@apisec/core/host';
import type { DocumentNode, GraphQLSchema } from 'graphql';
import { factsFor } from './decide-operation.ts';
import { callerOf, conclude, runsFor } from './guarded-operation.ts';
import { deniedEarly, deniedErrors } from './limits/deny-errors.ts';
import { dropLocations } from './limits/drop-locations.ts';
import { BATCH } from './operation-batch.ts';
import { pendingCall } from './operation-call.ts';
import { deny, type OperationState } from './operation-state.ts';
import { documentHash } from './trusted/document-hash.ts';
import { resolveDocument, type SentDocument, UNTRUSTED } from './trusted/trust-plan.ts';

/** Shorter documents are read whoever sends them: that costs less than deciding twice. */
const SHORT = 1_024;

/**
 * Before the document is parsed: decides what can be decided without it, and bounds its text and the variables.
 * Answers why the document need not be read. `text` is undefined where it is known by a hash.
 */
export function checkBefore(
  state: OperationState,
  text: string | undefined,
  variables: unknown,
): MaybePromise<Denial | undefined> {
  const { plan, host, position, work } = state;
  const { loading } = plan;
  if (loading) {
    return chain(
      () => loading,
      () => checkBefore(state, text, variables),
      (cause) => deny(state, fault('call.unattested', cause)),
    );
  }
  // Not decided first: a batch may have thousands.
  if (host.batch && (host.batch.isTooLarge || position >= plan.maxBatch)) return deny(state, BATCH);
  if (state.denial) return state.denial;
  const bound = (): Denial | undefined =>
    (text === undefined ? undefined : plan.bounds.checkText(text, work)) ??
    plan.bounds.checkVariables(variables, work) ??
    // Nobody may send an id that stands for nothing.
    (state.untrusted && (text === undefined || !plan.trusted?.free) ? UNTRUSTED : undefined);
  if (text === undefined || text.length <= SHORT || plan.beginning === undefined)
    return deny(state, bound()) ?? checkHash(state, text);
  return chain(
    () => decideEarly(state, plan.beginning as Admission<GraphqlFacts, object>),
    (denial) => denial ?? deny(state, bound()) ?? checkHash(state, text),
    (cause) => deny(state, fault('call.unattested', cause)),
  );
}

/**
 * The text to run: that which the caller sent or, where trusted documents are known by ids, what stands for its id.
 * Remembers whether it is trusted.
 */
export function resolveText(state: OperationState, sent: SentDocument): string | undefined {
  const { trusted } = state.plan;
  const hasText = typeof sent.query === 'string' && sent.query !== '';
  // What stands for a trusted document need not be a hash.
  if (!trusted || hasText) {
    const hash = hashIn(sent.extensions);
    if (typeof hash === 'object') deny(state, hash);
    else state.hash = hash;
  }
  if (!trusted) return typeof sent.query === 'string' ? sent.query : undefined;
  const { text, isTrusted } = resolveDocument(trusted, sent);
  state.untrusted = !isTrusted;
  return text;
}

/**
 * Servers look up whatever stands there, and answer what is no hash, or another version, as a fault of their own: a
 * denial for that.
 */
function hashIn(extensions: unknown): string | undefined | Denial {
  const { persistedQuery } = (extensions ?? {}) as { readonly persistedQuery?: unknown };
  if (persistedQuery === undefined || persistedQuery === null) return undefined;
  const { sha256Hash, version } = persistedQuery as Readonly<Record<string, unknown>>;
  if (version !== 1) return VERSION;
  return typeof sha256Hash === 'string' && /^[\da-f]{64}$/i.test(sha256Hash) ? sha256Hash : HASH;
}

/** Servers that keep documents by their hashes answer another one as a fault of their own. */
function checkHash(
  state: OperationState,
  text: string | undefined,
): MaybePromise<Denial | undefined> {
  const { hash } = state;
  if (state.denial || text === undefined || hash === undefined) return state.denial;
  return chain(
    () => documentHash(text),
    (own) => deny(state, own === hash ? undefined : OTHER_HASH),
    (cause) => deny(state, fault('call.unattested', cause)),
  );
}

const HASH: Denial = Object.freeze({
  kind: 'malformed',
  code: 'message.malformed',
  detail: 'The hash of a persisted query must be its SHA-256, in hexadecimal.',
});

const VERSION: Denial = Object.freeze({
  ...HASH,
  detail: 'The version of persisted queries is 1 here.',
});

const OTHER_HASH: Denial = Object.freeze({
  ...HASH,
  detail: 'The hash is not that of the document.',
});

/**
 * Before validation: bounds the work of that, and of its errors.
 *
 * @param schema where the server validates by itself, and looks for more errors than anybody reads.
 */
export function checkDocument(
  state: OperationState,
  document: DocumentNode,
  schema?: GraphQLSchema,
): Denial | undefined {
  dropLocations(document);
  return (
    deny(state, state.plan.bounds.checkDocument(document, state.work)) ??
    deny(state, schema && deniedEarly(schema, document))
  );
}

/** After validation, in servers that look for more errors than anybody reads. */
export function checkErrors(
  state: OperationState,
  errors: readonly unknown[] | undefined,
): Denial | undefined {
  return deny(state, deniedErrors(errors ?? []));
}

function decideEarly(
  state: OperationState,
  beginning: Admission<GraphqlFacts, object>,
): MaybePromise<Denial | undefined> {
  const runs = runsFor(state);
  const pending = pendingCall(runs.onRead);
  state.pending = pending;
  runs.early = true;
  const caller = callerOf(state);
  return chain(
    () => beginning.check(caller.request, factsFor(caller, pending.call)),
    (decision) => {
      runs.early = false;
      state.early = decision;
      // A policy that missed what was not there yet may fail for that alone.
      const conclusive = !decision.allowed && decision.denial.kind !== 'internal';
      if (!conclusive) return undefined;
      pending.resolve();
      if (!runs.tripped()) return concludeEarly(state, decision);
      // Those that passed for want of a document are asked now that there will be none: they may have to record it.
      return chain(
        () => beginning.check(caller.request, factsFor(caller, pending.call)),
        (second) => concludeEarly(state, second.allowed ? decision : second),
        (cause) => deny(state, fault('call.unattested', cause)),
      );
    },
    (cause) => deny(state, fault('call.unattested', cause)),
  );
}

function concludeEarly(state: OperationState, decision: Decision<object>): Denial | undefined {
  conclude(state, { joined: decision, decisions: new Map(), roots: [] });
  return state.denial;
}
