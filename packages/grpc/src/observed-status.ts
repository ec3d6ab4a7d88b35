import type { SentStatus, WireCall } from './grpc-handle.ts';

/** What grpc-js's own statuses go past, kept on its call. */
interface Observed {
  readonly send: WireCall['sendStatus'];
  readonly observe: (sent: SentStatus) => SentStatus;
}

const observed: unique symbol = Symbol('apisec.observed');
type ObservedCall = WireCall & { [observed]?: Observed };

/**
 * Hears of every status that goes out. grpc-js sends its own with a method that is public, and so can be heard. All
 * calls share one function in its place: with a closure for each, calls that have ended survive every pass over the
 * young generation.
 */
export function observeStatus(wire: WireCall, observe: Observed['observe']): void {
  const call: ObservedCall = wire;
  const earlier = call[observed];
  if (earlier !== undefined) {
    call[observed] = { send: earlier.send, observe: (sent) => earlier.observe(observe(sent)) };
    return;
  }
  call[observed] = { send: wire.sendStatus, observe };
  wire.sendStatus = sendObserved;
}

function sendObserved(this: ObservedCall, sent: SentStatus): void {
  const { [observed]: entry } = this;
  entry?.send.call(this, entry.observe(sent));
}
