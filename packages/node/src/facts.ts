import type { HttpFacts, RequestIdFacts } from '@apisec/core';
import { type NodeCaller, nodeCaller } from './caller.ts';
import type { ProxyTrust } from './peer.ts';
import { nodeRequestId } from './request-id.ts';

/** What a Node host supplies about a call over HTTP. */
export type NodeFacts = HttpFacts & NodeCaller & RequestIdFacts;

/** What a Node host knows of a call over HTTP that means this operation. */
export function nodeFacts(
  incoming: Parameters<typeof nodeCaller>[0] & Parameters<typeof nodeRequestId>[0],
  trust: ProxyTrust | undefined,
  operation: string,
): NodeFacts {
  const { peer, certificate, unverifiedCertificate, transport } = nodeCaller(incoming, trust);
  return {
    call: { protocol: 'http', operation },
    peer,
    certificate,
    unverifiedCertificate,
    transport,
    requestId: nodeRequestId(incoming, trust),
  };
}
