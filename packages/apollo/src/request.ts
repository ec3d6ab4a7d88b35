import type { ClientCertificate } from '@apisec/core';
import { knownCallerOf, type OperationState, resolveText } from '@apisec/graphql';
import { type CertificateSource, nodeCertificate } from '@apisec/node';
import type { BaseContext, GraphQLRequestContext } from '@apollo/server';

type Request = GraphQLRequestContext<BaseContext>['request'];

/** The certificate that Node's request came with, and what it says, where a policy asks. */
export function certificateIn(context: {
  readonly req?: Partial<CertificateSource> | null;
}): ClientCertificate | undefined {
  const known = knownCallerOf(context);
  if (known !== undefined) return known.certificate();
  const { req } = context;
  return req?.headers && nodeCertificate(req as CertificateSource);
}

/** The text to run, put in the place of the id of a trusted document. */
export function textOf(state: OperationState, request: Request): string | undefined {
  const { query, extensions, http } = request;
  const text = resolveText(state, { query, extensions, body: http?.body });
  if (text !== query && text !== undefined) {
    // Resolved here, so it is not to be looked up again, nor kept.
    const { persistedQuery: _, ...others } = extensions ?? {};
    Object.assign(request, { query: text, extensions: others });
  }
  return text;
}

/** Leaves nothing of what the request holds: Apollo parses, looks up and stores nothing then. */
export function emptyRequest(request: Request): void {
  Object.assign(request, {
    query: undefined,
    operationName: undefined,
    variables: undefined,
    extensions: undefined,
  });
}
