import type { Denial, Ending } from '@apisec/core';
import type { GraphQLRequestContextWillSendResponse } from '@apollo/server';

type Response = GraphQLRequestContextWillSendResponse<object>['response'];
type Incremental = Extract<Response['body'], { kind: 'incremental' }>;

const INTERNAL = 'INTERNAL_SERVER_ERROR';

/** How an operation ended: `failed` where a resolver or the server threw something that it did not name. */
export function endingOf(
  { response, errors }: Pick<GraphQLRequestContextWillSendResponse<object>, 'response' | 'errors'>,
  denial: Denial | undefined,
): Ending {
  const { status = 200 } = response.http;
  if (denial) return { outcome: 'refused', status, denial };
  const threw = errors?.some(({ extensions }) => (extensions['code'] ?? INTERNAL) === INTERNAL);
  return { outcome: threw ? 'failed' : 'succeeded', status };
}

/** Tells how an incremental answer ended, when its last part is sent or nobody reads on. */
export function watchIncremental(
  response: Response,
  body: Incremental,
  tell: (outcome: Ending['outcome']) => void,
): void {
  async function* watched<Part>(parts: AsyncIterable<Part>): AsyncGenerator<Part> {
    let outcome: Ending['outcome'] = 'aborted';
    try {
      yield* parts;
      outcome = 'succeeded';
    } catch (cause) {
      outcome = 'failed';
      throw cause;
    } finally {
      tell(outcome);
    }
  }
  // Both incremental formats have this member; the union of their bodies is only by what the parts hold.
  const subsequentResults = watched(body.subsequentResults) as typeof body.subsequentResults;
  response.body = { ...body, subsequentResults } as Incremental;
}
