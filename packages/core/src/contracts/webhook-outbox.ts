import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { SealedText } from '../lib/sealing.ts';

/** A key that an endpoint's messages are signed with. */
export interface WebhookSecret {
  readonly id: string;
  /** Default: `hmac-sha256`. */
  readonly algorithm?: 'hmac-sha256' | 'ed25519' | undefined;
  /** Encrypted by the sender; a reader of the store cannot sign. */
  readonly secret: SealedText;
  /** Epoch milliseconds; set once a newer one has replaced it. */
  readonly expiresAtMs?: number | undefined;
}

/** A receiver of webhooks. */
export interface WebhookEndpoint {
  readonly id: string;
  readonly tenant: string;
  readonly url: string;
  readonly secrets: readonly WebhookSecret[];
  /** `unverified` until it has answered a challenge; `disabled` gets nothing any more. */
  readonly status: 'unverified' | 'active' | 'disabled';
  /** Why it is disabled: `gone` where it answered 410. */
  readonly reason?: string | undefined;
  /** Another one after each change, and never the same again. */
  readonly version: string;
}

/** One message for one endpoint. */
export interface WebhookDelivery {
  readonly id: string;
  /** The same on every attempt and on replays: what receivers work on once. */
  readonly messageId: string;
  readonly endpointId: string;
  /** What is sent, to the byte. */
  readonly body: string;
  /** Messages of one endpoint with the same key are sent one after another. */
  readonly orderKey?: string | undefined;
  readonly createdAtMs: number;
}

/** A delivery as the log shows it. */
export interface WebhookDeliveryRecord extends WebhookDelivery {
  readonly status: 'pending' | 'delivered' | 'failed';
  /** Attempts that were begun, but for those that ended here. */
  readonly attempts: number;
  readonly dueAtMs: number;
  /** How the last attempt ended: an HTTP status, or a code such as `egress.timeout`. */
  readonly lastOutcome?: string | undefined;
}

/** A delivery that a worker holds for a while. */
export interface ClaimedDelivery extends WebhookDelivery {
  readonly attempt: number;
  /** Says who holds it; the result of a worker whose time was up is not taken. */
  readonly lease: string;
  readonly endpoint: WebhookEndpoint;
}

/** How an attempt ended. */
export interface DeliveryResult {
  readonly id: string;
  readonly lease: string;
  readonly endpointId: string;
  readonly status: 'delivered' | 'pending' | 'failed';
  /** For `pending` when to try again, else when it ended; in epoch milliseconds. */
  readonly dueAtMs: number;
  readonly outcome: string;
  /** The endpoint asked for nothing more (410). */
  readonly isGone?: boolean | undefined;
  /**
   * It ended here, and nobody asked the endpoint: it is not one of the attempts, and not a failure of the endpoint.
   */
  readonly isLocal?: boolean | undefined;
}

/** When an endpoint is left alone for a while. */
export interface CircuitRule {
  readonly failures: number;
  readonly pauseUntilMs: number;
}

/**
 * How many more deliveries one claim may give for each endpoint and each tenant. What is named in `endpoints` and
 * `tenants` has attempts under way; the others get the number beside it.
 */
export interface ClaimShares {
  readonly perEndpoint: number;
  readonly endpoints: ReadonlyMap<string, number>;
  readonly perTenant: number;
  readonly tenants: ReadonlyMap<string, number>;
}

/**
 * Keeps what is to be sent until it was, through crashes of any worker at any moment. Every call is one atomic step.
 * The key of an endpoint holds its tenant, so that tenants never meet.
 *
 * All times are those of the caller, and each call says what its clock shows. A store that workers of several machines
 * share goes by a clock of its own, and takes of theirs only how far a time is from `nowMs`: so a worker whose clock is
 * ahead gets nothing before its time, and forgets nothing. Such a store also says when a delivery was added.
 *
 * `webhookOutboxContract` of `@apisec/core/testing` tests all of it.
 */
export interface WebhookOutbox {
  /** Adds an endpoint; false where its id is taken. */
  readonly insertEndpoint: (endpoint: WebhookEndpoint) => MaybePromise<boolean>;
  /**
   * Puts an endpoint in the place of the one with version `expected`; false where that is not the stored one any more.
   * Of many at once exactly one gets true. Another status ends its pause.
   */
  readonly replaceEndpoint: (endpoint: WebhookEndpoint, expected: string) => MaybePromise<boolean>;
  readonly getEndpoint: (id: string) => MaybePromise<WebhookEndpoint | undefined>;
  /** Keeps deliveries that are new by their id; answers how many. Nothing of it is lost once this has answered. */
  readonly add: (deliveries: readonly WebhookDelivery[]) => MaybePromise<number>;
  /**
   * Gives at most `limit` deliveries to the caller alone, until `leaseMs` has passed: those that are due, of active
   * endpoints that are not paused, the longest due first; of one order key only the first that is pending. No endpoint
   * and no tenant gets more than its share, and the next ones in the queue come in their place.
   */
  readonly claim: (request: {
    readonly limit: number;
    readonly nowMs: number;
    readonly leaseMs: number;
    /** Default: no bounds but `limit`. */
    readonly shares?: ClaimShares | undefined;
  }) => MaybePromise<readonly ClaimedDelivery[]>;
  /**
   * Records how attempts ended; those whose lease is another one by now are left out. Failures in a row pause an
   * endpoint; one that is gone is disabled, and has another version then.
   */
  readonly record: (
    results: readonly DeliveryResult[],
    circuit: CircuitRule,
    nowMs: number,
  ) => MaybePromise<void>;
  /** The log of an endpoint, newest first. */
  readonly list: (query: {
    readonly endpointId: string;
    readonly status?: WebhookDeliveryRecord['status'] | undefined;
    readonly limit: number;
  }) => MaybePromise<readonly WebhookDeliveryRecord[]>;
  /**
   * Makes deliveries of an endpoint pending again, with the same message id; all that failed where no ids are given.
   */
  readonly replay: (request: {
    readonly endpointId: string;
    readonly ids?: readonly string[] | undefined;
    readonly nowMs: number;
  }) => MaybePromise<number>;
  /**
   * Forgets deliveries that ended before a moment, the oldest first and at most `limit` of them; answers how many.
   * Several workers may do so at once.
   */
  readonly prune: (request: {
    readonly endedBeforeMs: number;
    readonly nowMs: number;
    readonly limit: number;
  }) => MaybePromise<number>;
}
