import type { Denial } from '@apisec/core';
import { type Ending, graphqlDenial, httpDenial } from '@apisec/core/host';
import {
  applyFieldHeaders,
  cacheability,
  checkErrors,
  checkPart,
  decide,
  headerFields,
  isFailure,
  type OperationState,
  releaseResult,
  safeError,
  shownErrors,
  tellId,
  watchParts,
} from '@apisec/graphql';
import type { GraphQLRequestContext } from '@apollo/server';
import type { ExecutionResult } from 'graphql';
import { type HttpBatch, rejectBatch, type Sending, settleStatus } from './batch.ts';

type Response = Sending['response'];

/**
 * Denies a document with more errors than anybody reads; that it has so many unknown names is known before. Apollo
 * would wrap and format each of them, so it is left with one.
 */
export function checkValidation(state: OperationState, errors: readonly Error[] | undefined): void {
  if (!checkErrors(state, errors)) return;
  // By its type nobody changes the list, but it is the one that Apollo goes on with.
  (errors as Error[]).length = 1;
}

/** Makes of the response what the caller is to see. Answers why that is a denial. */
export async function renderAnswer(
  state: OperationState,
  sending: Sending,
  batch: HttpBatch | undefined,
): Promise<Denial | undefined> {
  const { response } = sending;
  // An operation that never resolved is decided now, before its errors disclose anything.
  const denial = (await decide(state, undefined)) ?? (await releaseResponse(state, response));
  if (denial) renderDenial(response, denial, batch !== undefined);
  else if (!state.plan.showsErrors) renderErrors(sending);
  // Again, for what another plugin answered without executing it.
  restrictCaches(sending, cacheability(state));
  const fields = headerFields(response.http.headers);
  applyFieldHeaders(state, fields);
  if (denial || sending.errors?.length) tellId(state, fields);
  if (batch) settleStatus(batch, sending, denial);
  if (batch?.operations.isTooLarge && denial) rejectBatch(sending, denial);
  return denial;
}

/**
 * Puts a denial in the place of whatever the response held: one error, no data, and the HTTP status; not that of a
 * batch, whose other operations have the same one.
 */
function renderDenial(response: Response, denial: Denial, isBatched: boolean): void {
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

/** Shows the data to the policies that ask, and puts what they make of it in its place. */
async function releaseResponse(
  state: OperationState,
  response: Response,
): Promise<Denial | undefined> {
  const { body } = response;
  const sent = resultIn(body);
  // Formatted errors have all that is looked at.
  const { result, denial } = await releaseResult(state, sent as ExecutionResult);
  if (!denial && result !== sent) replaceResult(response, result);
  if (denial && body.kind === 'incremental') {
    // Nobody will read it: let the executor stop.
    void body.subsequentResults[Symbol.asyncIterator]()
      .return?.()
      ?.catch(() => undefined);
  }
  return denial;
}

/** Leaves of errors what was made for callers. */
function renderErrors({ response, errors = [] }: Sending): void {
  const result = resultIn(response.body);
  if (result.errors === undefined) return;
  const safe = shownErrors(result).map((formatted, index) => safeError(errors[index], formatted));
  replaceResult(response, { errors: safe });
}

/** The whole answer, or the first of its parts. */
function resultIn(body: Response['body']) {
  return body.kind === 'single' ? body.singleResult : body.initialResult;
}

/** Both kinds of answers, and both formats of incremental ones, have these members. */
function replaceResult({ body }: Response, members: object): void {
  if (body.kind === 'single') body.singleResult = { ...body.singleResult, ...members };
  else body.initialResult = { ...body.initialResult, ...members };
}

/**
 * Tells how the answer ended: `failed` where a resolver or the server threw something that it did not name; one in
 * parts when it is read to its end. Answers how to end that where the reader has left.
 */
export function watchEnding(
  state: OperationState,
  { response, errors }: Sending,
  denial: Denial | undefined,
  end: (ending: Ending) => void,
): () => void {
  const { http, body } = response;
  const { status = 200 } = http;
  const threw = errors?.some((error) => error.extensions['code'] === undefined || isFailure(error));
  const outcome = denial ? 'denied' : threw ? 'failed' : 'succeeded';
  if (body.kind === 'single') {
    end({ outcome, status, denial });
    return () => undefined;
  }
  const parts = body.subsequentResults as AsyncIterable<object>;
  const { iterator, stop } = watchParts(
    parts,
    (outcome) => end({ outcome, status, denial: state.denial }),
    (part) => {
      const late = checkPart(state, part);
      return (
        late && {
          hasNext: false,
          incremental: [{ path: [], data: null, errors: [graphqlDenial(late)] }],
        }
      );
    },
  );
  body.subsequentResults = iterator as typeof body.subsequentResults;
  return stop;
}
