import {
  type AuthenticatedFacts,
  authenticateJwt,
  concurrencyLimit,
  type Guard,
  guard,
  type HttpFacts,
  requireScopes,
} from '@apisec/core';
import { testIssuer } from '@apisec/core/testing';

/** The guard in front of what {@link weakMapsOfCall} calls. */
export type StateGuard = Guard<HttpFacts, HttpFacts & AuthenticatedFacts, 'grant'>;

/**
 * Where the sources of these packages fill a `WeakMap` during a call, once everything is warm. State of a call is kept
 * on the call itself (`stateOf`): the values of such a map reach their key, which the garbage collector pays for at
 * each pass. `serve` answers calls with 200 behind the guard, and says on which port.
 */
export async function weakMapsOfCall(
  serve: (admission: StateGuard) => Promise<number>,
): Promise<readonly string[]> {
  const { admission, token } = await stateGuard();
  const port = await serve(admission);
  const call = async (): Promise<void> => {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`http://127.0.0.1:${port}/orders`, { headers });
    await response.arrayBuffer();
    if (response.status !== 200) throw new Error(`the call was answered ${response.status}`);
  };
  await call();
  return weakMapsFilledBy(call);
}

async function stateGuard(): Promise<{ admission: StateGuard; token: string }> {
  const issuer = testIssuer();
  const admission = guard<HttpFacts>()
    .use(authenticateJwt(issuer.trust))
    .use(concurrencyLimit({ limit: 5, by: ({ principal }) => principal.subject }))
    .use(requireScopes('orders:read'));
  return { admission, token: await issuer.token({ scope: 'orders:read' }) };
}

async function weakMapsFilledBy(run: () => Promise<void>): Promise<readonly string[]> {
  // oxlint-disable-next-line typescript/unbound-method -- called on a map below
  const { set } = WeakMap.prototype;
  const places: string[] = [];
  // oxlint-disable-next-line no-extend-native -- for the time of this call
  WeakMap.prototype.set = function fill(key, value) {
    // Its caller, and nobody behind: frameworks run our code, and we theirs.
    const [, , caller = ''] = new Error('the stack').stack?.split('\n') ?? [];
    if (/\/packages\/[^/]+\/src\//.test(caller)) places.push(caller.trim());
    set.call(this, key, value);
    return this;
  };
  try {
    await run();
  } finally {
    // oxlint-disable-next-line no-extend-native -- as it was
    WeakMap.prototype.set = set;
  }
  return places;
}
