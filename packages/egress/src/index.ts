// Calls to others.

export {
  type AnswerSchema,
  type Consumed,
  type ConsumeOptions,
  consume,
} from './consume/consume.ts';
export type { CheckPeer, Resolve } from './fetch/connector.ts';
export { type EgressError, isEgressError } from './fetch/egress-error.ts';
export {
  type HostPins,
  type PinnedKeys,
  type PinnedKeysOptions,
  type PinReport,
  pinnedKeys,
} from './fetch/pinned-keys.ts';
export {
  type EgressTlsOptions,
  type KeyPins,
  type SafeFetch,
  type SafeFetchOptions,
  safeFetch,
} from './fetch/safe-fetch.ts';

// Webhooks out.

export type { NewWebhookEndpoint } from './webhooks/endpoints.ts';
export type { WebhookMessage } from './webhooks/message.ts';
export {
  type SendWebhookOptions,
  sendWebhook,
  type Webhooks,
} from './webhooks/send-webhook.ts';
export type { IssuedWebhookKey, WebhookAlgorithm } from './webhooks/signing-keys.ts';
