import type { Denial } from '../engine/denial.ts';
import { type HttpDenial, httpDenial, type ProblemRendering } from '../wire/http.ts';

/** A denial as a web `Response`. */
export function denialResponse(denial: Denial, rendering?: ProblemRendering): Response {
  return problemResponse(httpDenial(denial, rendering));
}

/** Problem details as a web `Response`. */
export function problemResponse({ status, headers, body }: HttpDenial): Response {
  return new Response(body ?? null, {
    status,
    headers: headers.map(([name, value]) => [name, value]),
  });
}
