import {
  type Admission,
  type Denial,
  definePolicy,
  type GraphqlFacts,
  guard,
  type MaybePromise,
  type Policy,
  pass,
  type RequestLike,
  type Role,
} from '@apisec/core';
import { assertConfiguration, assertKnownOptions, chain, fault } from '@apisec/core/host';
import type { TrustedDocuments } from './trusted-documents.ts';

/** Which documents run. */
export interface TrustedOptions<Facts extends object> {
  readonly documents: TrustedDocuments;
  /**
   * Asked, once the guard has admitted the call, for documents that are not trusted: whom it passes may send any.
   * Default: nobody.
   */
  readonly free?: Policy<Facts & GraphqlFacts, object, Role> | undefined;
}

/** The same, ready to be asked. */
export interface TrustPlan {
  readonly documents: TrustedDocuments;
  readonly free: Admission<GraphqlFacts, object> | undefined;
}

/** What a caller sent: a text, or what stands for one. */
export interface SentDocument {
  readonly query?: unknown;
  readonly extensions?: unknown;
  /** Other members of the request's body. */
  readonly body?: unknown;
}

export const UNTRUSTED: Denial = Object.freeze({
  kind: 'forbidden',
  code: 'operation.untrusted',
  detail: 'The document is not one of those that are run here.',
});

/** The operation was admitted, so a check alone may decide. */
const admitted = definePolicy({ name: 'admitted', role: 'grant', check: () => pass() });

/** @throws ConfigurationError if no documents are given, or an option is not known. */
export function trustPlan(options: TrustedOptions<never> | undefined): TrustPlan | undefined {
  if (options === undefined) return undefined;
  assertKnownOptions('trusted', options, ['documents', 'free']);
  const { documents, free } = options;
  assertConfiguration(
    typeof (documents as Partial<TrustedDocuments> | undefined)?.isTrusted === 'function',
    'trusted: documents must come from trustedDocuments(manifest).',
  );
  // What it needs was checked where the option was typed.
  const untyped = guard() as unknown as { use: (policy: unknown) => typeof untyped };
  return {
    documents,
    free: free && (untyped.use(free).use(admitted) as unknown as Admission<GraphqlFacts, object>),
  };
}

/**
 * The text to run, and whether it is trusted. An id is looked up where there is no text: the hash that clients with
 * automatic persisted queries send, `documentId` of GraphQL over HTTP, or Relay's `doc_id`.
 */
export function resolveDocument(
  { documents }: TrustPlan,
  { query, extensions, body }: SentDocument,
): { readonly text: string | undefined; readonly isTrusted: boolean } {
  if (typeof query === 'string' && query !== '') {
    return { text: query, isTrusted: documents.isTrusted(query) };
  }
  const { persistedQuery } = (extensions ?? {}) as { readonly persistedQuery?: unknown };
  const { sha256Hash } = (persistedQuery ?? {}) as { readonly sha256Hash?: unknown };
  const { documentId, doc_id: relay } = (body ?? {}) as {
    readonly documentId?: unknown;
    readonly doc_id?: unknown;
  };
  const ids = [sha256Hash, documentId, relay].filter((id) => typeof id === 'string');
  const [id] = ids;
  const text =
    id === undefined || ids.some((other) => other !== id)
      ? undefined
      : (documents.textOf(id.replace(/^sha256:/, '')) ?? documents.textOf(id));
  return { text, isTrusted: text !== undefined };
}

/** Why a document that is not trusted is not run. */
export function checkFree(
  { free }: TrustPlan,
  request: RequestLike,
  facts: object,
): MaybePromise<Denial | undefined> {
  if (free === undefined) return UNTRUSTED;
  return chain(
    () => free.check(request, facts as GraphqlFacts),
    (decision) => (decision.allowed ? undefined : UNTRUSTED),
    (cause) => fault('policy.threw', cause),
  );
}
