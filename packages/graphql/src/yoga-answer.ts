import type { Denial } from '@apisec/core';
import { httpDenial } from '@apisec/core/host';

/** A response as Yoga is about to send it. */
export interface YogaAnswer {
  readonly request: Request;
  readonly response: Response;
  readonly setResponse: (response: Response) => void;
  readonly fetchAPI: { readonly Response: typeof Response };
}

/** A denial as problem details, made of what Yoga calls a response. */
export function denialAnswer(denial: Denial, fetchAPI: YogaAnswer['fetchAPI']): Response {
  const { status, headers, body } = httpDenial(denial);
  return new fetchAPI.Response(body ?? null, {
    status,
    headers: headers.map(([name, value]): [string, string] => [name, value]),
  });
}
