import { requestIdFrom, stateOf } from '@apisec/core/host';
import { believesSocket, type PeerSource, type ProxyTrust } from './peer.ts';

const ids = stateOf<string>('apisec.request_id');

/**
 * The id of a call: `X-Request-Id` where a proxy of yours wrote it and `trust` says so (`requestId`), else a new one. A
 * caller's own is never taken over. The same request has the same id however often it is asked.
 */
export function nodeRequestId(incoming: PeerSource, trust?: ProxyTrust): string {
  const known = ids.get(incoming);
  if (known !== undefined) return known;
  const isBelieved = trust?.requestId === true && believesSocket(trust, incoming.socket);
  const id = requestIdFrom(isBelieved ? incoming.headers['x-request-id'] : undefined);
  ids.set(incoming, id);
  return id;
}
