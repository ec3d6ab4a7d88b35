import type { Denial } from '@apisec/core';
import { fault, graphqlDenial, type HeadersTarget, httpDenial } from '@apisec/core/host';
import { type OperationState, release, safeError } from '@apisec/graphql';
import type { GraphQLRequestContext, GraphQLRequestContextWillSendResponse } from '@apollo/server';

type Sending = Pick<GraphQLRequestContextWillSendResponse<object>, 'response' | 'errors'>;
type Response = Sending['response'];
type Head = Response['http'];

/** Applies header edits to Apollo's header map, which holds one value for each name. */
export function headersTarget({ headers }: Head): HeadersTarget {
  return {
    set: (name, value) => {
      if (!headers.has(name)) headers.set(name, value);
    },
    append: (name, value) => {
      const present = headers.get(name);
      // The operations of a batch share one response, so the same edit can come several times.
      if (present?.split(', ').includes(value)) return;
      headers.set(name, present === undefined ? value : `${present}, ${value}`);
    },
    delete: (name) => headers.delete(name),
  };
}

/**
 * Puts a denial in the place of whatever the response held: one error, no data, and the HTTP status; not that of a
 * batch, whose other operations have the same one.
 */
export function renderDenial(response: Response, denial: Denial, isBatched: boolean): void {
  // `answer` is for HTTP adapters; here a denial is always an error.
  const { status, headers } = httpDenial({ ...denial, answer: undefined });
  response.body = { kind: 'single', singleResult: { errors: [graphqlDenial(denial)] } };
  if (!isBatched) response.http.status = status;
  for (const [name, value] of headers) {
    if (name !== 'content-type') response.http.headers.set(name, value);
  }
}

/** Keeps an answer that is for one caller from all others, in caches of the server and behind it. */
export function restrictCaches(
  { overallCachePolicy, response: { http } }: Cached,
  kept: 'public' | 'private' | 'none',
): void {
  if (kept === 'public') return;
  overallCachePolicy.restrict(kept === 'none' ? { maxAge: 0, scope: 'PRIVATE' } : PRIVATE);
  // A plugin may have written the header before this one was asked.
  if (http.headers.get('cache-control')?.includes('public')) {
    http.headers.set('cache-control', kept === 'none' ? 'no-store' : 'private');
  }
}

const PRIVATE = { scope: 'PRIVATE' } as const;
type Cached = Pick<GraphQLRequestContext<object>, 'overallCachePolicy' | 'response'>;

/** Leaves of errors what was made for callers. */
export function renderErrors({ response, errors = [] }: Sending): void {
  const { body } = response;
  const result = body.kind === 'single' ? body.singleResult : body.initialResult;
  if (result.errors === undefined) return;
  const safe = result.errors.map((formatted, index) => safeError(errors[index], formatted));
  if (body.kind === 'single') {
    response.body = { kind: 'single', singleResult: { ...body.singleResult, errors: safe } };
  } else {
    // Both incremental formats have this member.
    response.body = {
      ...body,
      initialResult: { ...body.initialResult, errors: safe },
    } as typeof body;
  }
}

/** Shows the data to the policies that ask, and puts what they make of it in its place. */
export async function releaseResponse(
  state: OperationState,
  response: Response,
): Promise<Denial | undefined> {
  const { body } = response;
  if (body.kind === 'incremental') {
    if (!state.enforcement?.onRelease) return undefined;
    // Nobody will read it: let the executor stop.
    void body.subsequentResults[Symbol.asyncIterator]()
      .return?.()
      ?.catch(() => undefined);
    return fault('release.unfilterable');
  }
  const outcome = await release(state, body.singleResult.data);
  if (outcome === undefined) return undefined;
  if (!outcome.ok) return outcome.denial;
  if (!('value' in outcome)) return undefined;
  // What is neither a record nor null was denied.
  const data = outcome.value as Record<string, unknown> | null;
  response.body = { kind: 'single', singleResult: { ...body.singleResult, data } };
  return undefined;
}
