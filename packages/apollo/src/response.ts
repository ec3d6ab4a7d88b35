import type { Denial } from '@apisec/core';
import {
  type Enforcement,
  fault,
  graphqlDenial,
  type HeadersTarget,
  httpDenial,
} from '@apisec/core/host';
import type { GraphQLRequestContextWillSendResponse } from '@apollo/server';
import { isRecord } from './ruling.ts';

type Response = GraphQLRequestContextWillSendResponse<object>['response'];
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

/** Puts a refusal in the place of whatever the response held: one error, no data, and the HTTP status. */
export function renderRefusal(response: Response, denial: Denial): void {
  // `answer` is for HTTP adapters; here a refusal is always an error.
  const { status, headers } = httpDenial({ ...denial, answer: undefined });
  response.body = { kind: 'single', singleResult: { errors: [graphqlDenial(denial)] } };
  response.http.status = status;
  for (const [name, value] of headers) {
    if (name !== 'content-type') response.http.headers.set(name, value);
  }
}

/** Shows the data to the policies that ask, and puts what they make of it in its place. */
export async function releaseData(
  onRelease: NonNullable<Enforcement['onRelease']>,
  response: Response,
): Promise<Denial | undefined> {
  const { body } = response;
  if (body.kind === 'incremental') {
    // Nobody will read it: let the executor stop.
    void body.subsequentResults[Symbol.asyncIterator]()
      .return?.()
      ?.catch(() => undefined);
    return fault('release.unfilterable');
  }
  const { data } = body.singleResult;
  if (data === undefined || data === null) return undefined;
  const outcome = await onRelease(data);
  if (!outcome.ok) return outcome.denial;
  if (!('value' in outcome)) return undefined;
  if (!isRecord(outcome.value) && outcome.value !== null) return fault('policy.invalid_outcome');
  response.body = { kind: 'single', singleResult: { ...body.singleResult, data: outcome.value } };
  return undefined;
}
