// For users.

export {
  CLIENT_ERROR_OPTIONS,
  type ClientError,
  type ClientErrorListener,
  type ClientErrorsOptions,
  clientErrors,
  type ExpectationListener,
  unmetExpectations,
} from './client-errors.ts';
export {
  type DelayHistogram,
  type EventLoopDelayOptions,
  eventLoopDelay,
} from './event-loop-delay.ts';
export { logFile } from './log-file.ts';
export { nodeVerifier } from './node-verifier.ts';
export { type SecureUpgradesOptions, secureUpgrades } from './secure-upgrades.ts';
export {
  type LimitServerOptions,
  limitServer,
  type SecureServerOptions,
  type SecureServerSettings,
  secureServerOptions,
} from './server-options.ts';

// For adapter authors.

export { type BodyBounds, type ReadBody, readBody, readRawBody } from './body.ts';
export { beginCall, decideCall, type NodeCall, undecided } from './call.ts';
export {
  type CertificateSource,
  clientCertificate,
  nodeCertificate,
  nodeUnverifiedCertificate,
} from './certificate.ts';
export type { CertificateHeader } from './certificate-header.ts';
export { nodeDenialLog } from './development-log.ts';
export {
  type NodeCaller,
  type NodeFacts,
  nodeCaller,
  nodeFacts,
  nodeRequestId,
} from './facts.ts';
export {
  type AddressHeader,
  nodePeer,
  type PeerSource,
  type ProxyTrust,
  type TrustProxiesOptions,
  trustProxies,
} from './peer.ts';
export { closeRelease, type ReleaseGate } from './release.ts';
export { hasBody, isUpgrade, literalPath, type NodeIncoming, nodeRequest } from './request.ts';
export {
  dropBodyHeaders,
  isDisconnected,
  letThrough,
  type NodeResponse,
  onEnd,
  type ResponseWriters,
  renderAs,
  renderingOf,
  sendDenial,
} from './response.ts';
export { nodeTransport, type TransportSource } from './transport.ts';
export { endWithToken } from './upgrade.ts';
