import type { RequestLike } from './request.ts';

/** Where a call carries the credential that a policy reads, like `authorization`; undefined where it carries none. */
export type LocateCredential = (request: RequestLike) => string | undefined;

const places = new WeakMap<object, LocateCredential | undefined>();

/** Notes where a policy that authenticates finds its credential; answers the policy. */
export function locateCredential<P extends object>(
  policy: P,
  locate: LocateCredential | undefined,
): P {
  places.set(policy, locate);
  return policy;
}

/**
 * For alternatives: tells whether a call carries credentials in several of their places, and so names several callers.
 * Undefined where that cannot be.
 */
export function severalCredentials(
  parts: readonly object[],
): ((request: RequestLike) => boolean) | undefined {
  const located = parts.flatMap((part) => places.get(part) ?? []);
  if (located.length < 2) return undefined;
  return (request) => {
    let first: string | undefined;
    for (const locate of located) {
      const place = locate(request);
      if (place === undefined) continue;
      if (first !== undefined && first !== place) return true;
      first = place;
    }
    return false;
  };
}

/** Where any of the parts finds its credential. */
export function anyCredential(parts: readonly object[]): LocateCredential | undefined {
  const located = parts.flatMap((part) => places.get(part) ?? []);
  if (located.length === 0) return undefined;
  return (request) => {
    for (const locate of located) {
      const place = locate(request);
      if (place !== undefined) return place;
    }
    return undefined;
  };
}
