import type { Admission, GrpcCall } from '@apisec/core';
import type { DenialLog } from '@apisec/core/host';
import type { ProxyTrust } from '@apisec/node';
import type { ServerInterceptor } from '@grpc/grpc-js';
import type { CompiledLimits } from './call-limits.ts';
import type { GrpcSeed } from './connection.ts';
import type { StreamCount } from './stream-count.ts';

/** All that is known before there is a call. */
export interface SecuredMethod {
  readonly fact: GrpcCall;
  readonly admission: Admission<GrpcSeed, object>;
  readonly trust: ProxyTrust | undefined;
  /** False where callers may learn that a method is not there. */
  readonly hidesUnlisted: boolean;
  readonly limits: CompiledLimits;
  readonly help: string | undefined;
  /** Streams of callers without a principal, by address. */
  readonly anonymous: StreamCount;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Never throws. */
  readonly onFault: (cause: unknown) => void;
  readonly denialLog: DenialLog | undefined;
}

/** What grpc-js says of the method of a call. */
export type MethodDefinition = Parameters<ServerInterceptor>[0];
