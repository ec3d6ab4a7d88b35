import { stateOf } from './state-of.ts';

/** Keeps a host alive for work that goes on when the response is out. */
export type WaitUntil = (work: Promise<unknown>) => void;

const hosts = stateOf<WaitUntil>('apisec.wait-until');

/** For adapters: how the host of a call is kept alive, told before the call is decided. */
export const setWaitUntil: (call: object, waitUntil: WaitUntil) => void = hosts.set;

/**
 * Keeps the host of a call alive for work that the call began and does not wait for: edge runtimes drop such work as
 * soon as the call was answered. Does nothing where no host needs it.
 */
export function keepAlive(call: object | undefined, work: Promise<unknown>): void {
  try {
    if (call) hosts.get(call)?.(work);
  } catch {
    // The call does not depend on it.
  }
}
