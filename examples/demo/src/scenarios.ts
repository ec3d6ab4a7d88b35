import type { DenialKind } from '@apisec/core';
import type { OperationName } from './callers.ts';
import { STOREFRONT } from './policy.ts';
import type { TokenName } from './tokens.ts';

/** One call and what must come of it: the same decision on every transport. */
export interface Scenario {
  readonly name: string;
  readonly operation: OperationName;
  /** The access token of the call; several are sent as repeated headers. Absent: none is sent. */
  readonly tokens?: readonly TokenName[];
  /** The web page that the call comes from. */
  readonly origin?: string;
  readonly expect: 'allowed' | Denial;
  /** A policy in shadow mode would have denied the call. */
  readonly onTrial?: boolean;
}

export interface Denial {
  readonly kind: DenialKind;
  readonly code: string;
}

/** What each transport must answer. */
export const renderings: Readonly<
  Record<
    'allowed' | DenialKind,
    { readonly http: string; readonly graphql: string; readonly grpc: string }
  >
> = {
  allowed: { http: '200', graphql: 'data', grpc: 'OK' },
  malformed: { http: '400', graphql: 'BAD_USER_INPUT', grpc: 'INVALID_ARGUMENT' },
  unauthenticated: { http: '401', graphql: 'UNAUTHENTICATED', grpc: 'UNAUTHENTICATED' },
  forbidden: { http: '403', graphql: 'FORBIDDEN', grpc: 'PERMISSION_DENIED' },
  not_found: { http: '404', graphql: 'NOT_FOUND', grpc: 'NOT_FOUND' },
  method_not_allowed: { http: '405', graphql: 'METHOD_NOT_ALLOWED', grpc: 'UNIMPLEMENTED' },
  timeout: { http: '408', graphql: 'TIMEOUT', grpc: 'DEADLINE_EXCEEDED' },
  gone: { http: '410', graphql: 'GONE', grpc: 'NOT_FOUND' },
  too_large: { http: '413', graphql: 'PAYLOAD_TOO_LARGE', grpc: 'RESOURCE_EXHAUSTED' },
  unsupported: { http: '415', graphql: 'UNSUPPORTED_MEDIA_TYPE', grpc: 'INVALID_ARGUMENT' },
  rate_limited: { http: '429', graphql: 'RATE_LIMITED', grpc: 'RESOURCE_EXHAUSTED' },
  internal: { http: '500', graphql: 'INTERNAL_SERVER_ERROR', grpc: 'INTERNAL' },
  upstream: { http: '502', graphql: 'BAD_GATEWAY', grpc: 'UNAVAILABLE' },
  unavailable: { http: '503', graphql: 'SERVICE_UNAVAILABLE', grpc: 'UNAVAILABLE' },
};

const denied = (kind: DenialKind, code: string): Denial => ({ kind, code });

/** In the order they are made: the limit is filled by one row and exceeded by the next. */
export const scenarios: readonly Scenario[] = [
  { name: 'public health', operation: 'health', expect: 'allowed' },
  { name: 'honest read', operation: 'orders', tokens: ['reader'], expect: 'allowed' },
  { name: 'honest write', operation: 'placeOrder', tokens: ['writer'], expect: 'allowed' },
  { name: 'honest refund', operation: 'refund', tokens: ['manager'], expect: 'allowed' },
  {
    name: 'trusted web page',
    operation: 'orders',
    tokens: ['reader'],
    origin: STOREFRONT,
    expect: 'allowed',
  },
  {
    name: 'no credentials',
    operation: 'orders',
    expect: denied('unauthenticated', 'credentials.missing'),
  },
  {
    name: 'two credentials',
    operation: 'orders',
    tokens: ['reader', 'manager'],
    expect: denied('malformed', 'credentials.repeated'),
  },
  {
    name: 'expired token',
    operation: 'orders',
    tokens: ['expired'],
    expect: denied('unauthenticated', 'token.expired'),
  },
  {
    name: 'forged signature',
    operation: 'orders',
    tokens: ['forged'],
    expect: denied('unauthenticated', 'token.signature_invalid'),
  },
  {
    name: 'algorithm none',
    operation: 'orders',
    tokens: ['unsigned'],
    expect: denied('unauthenticated', 'token.algorithm_refused'),
  },
  {
    name: 'HMAC, public key',
    operation: 'orders',
    tokens: ['confused'],
    expect: denied('unauthenticated', 'token.algorithm_refused'),
  },
  {
    name: 'wrong audience',
    operation: 'orders',
    tokens: ['otherAudience'],
    expect: denied('unauthenticated', 'token.audience_mismatch'),
  },
  {
    name: 'wrong issuer',
    operation: 'orders',
    tokens: ['otherIssuer'],
    expect: denied('unauthenticated', 'token.issuer_unknown'),
  },
  {
    name: 'scope missing',
    operation: 'placeOrder',
    tokens: ['reader'],
    expect: denied('forbidden', 'scope.insufficient'),
  },
  {
    name: 'role missing',
    operation: 'refund',
    tokens: ['writer'],
    expect: denied('forbidden', 'role.insufficient'),
  },
  {
    name: 'foreign web page',
    operation: 'orders',
    tokens: ['reader'],
    origin: 'https://evil.example',
    expect: denied('forbidden', 'cors.origin_refused'),
  },
  {
    name: 'unlisted call',
    operation: 'debug',
    tokens: ['manager'],
    expect: denied('forbidden', 'operation.unlisted'),
  },
  { name: 'within the limit', operation: 'exported', tokens: ['reader'], expect: 'allowed' },
  {
    name: 'over the limit',
    operation: 'exported',
    tokens: ['reader'],
    expect: denied('rate_limited', 'limit.exceeded'),
  },
  {
    name: 'key server down',
    operation: 'stock',
    tokens: ['warehouse'],
    expect: denied('unavailable', 'keys.unavailable'),
  },
  {
    name: 'policy throws',
    operation: 'payout',
    tokens: ['reader'],
    expect: denied('internal', 'policy.threw'),
  },
  // The caller is no analyst. The log says so, the caller notices nothing.
  {
    name: 'policy on trial',
    operation: 'forecast',
    tokens: ['reader'],
    expect: 'allowed',
    onTrial: true,
  },
];
