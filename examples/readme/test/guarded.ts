import { type Admission, type HttpFacts, protect } from '@apisec/core';
import { provider } from '../src/running/provider.ts';

/** Calls what a guard of a guide protects, with a token of these claims or without one. */
export function callOf(admission: unknown) {
  // What a block declares has no type here.
  const serve = protect(admission as Admission<HttpFacts, object>, () => new Response('in'));
  return async (claims?: Parameters<typeof provider.token>[0]): Promise<Response> => {
    const headers = new Headers();
    if (claims) headers.set('authorization', `Bearer ${await provider.token(claims)}`);
    return serve(new Request(provider.audience, { headers }));
  };
}
