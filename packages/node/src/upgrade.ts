import type { Allowed, Denial } from '@apisec/core';
import { atExpiry, type Enforcement, endSocket, fault, SOCKET_EXPIRED } from '@apisec/core/host';
import { hasBody, type NodeIncoming } from './request.ts';
import { type NodeResponse, onEnd } from './response.ts';

/** The denial of an upgrade whose guard wants to see what goes over the connection, where nobody could show it. */
export function unseenUpgrade(
  incoming: NodeIncoming,
  { onMessage, onRelease, body }: Pick<Enforcement, 'onMessage' | 'onRelease' | 'body'>,
): Denial | undefined {
  if (onRelease !== undefined) return fault('release.unfilterable');
  const isUnseen = onMessage !== undefined || (body !== undefined && hasBody(incoming));
  return isUnseen ? fault('message.unavailable') : undefined;
}

/** Ends an admitted upgrade when the credential expires that it was admitted by. */
export function endWithToken(
  response: NodeResponse,
  { facts }: Allowed<object>,
  note: (denial: Denial) => void,
  now: () => number,
): void {
  const stop = atExpiry(facts, now, () => {
    note(SOCKET_EXPIRED);
    endSocket(response.req.socket);
  });
  if (stop !== undefined) onEnd(response, stop);
}
