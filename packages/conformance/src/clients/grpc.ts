import { grpcCode } from '@apisec/core/host';
import {
  credentials,
  Client as GrpcClient,
  Metadata,
  type ServiceError,
  status as Status,
  type StatusObject,
} from '@grpc/grpc-js';
import type { CallSpec, Client, Observed } from '../subject.ts';
import { kindsOf, member, textMember } from './observe.ts';
import { decodeStatus } from './rpc-status.ts';
import { capital, methodPath, serviceDefinition } from './service.ts';

/** A call of many messages. */
export interface StreamSpec extends CallSpec {
  readonly messages: readonly unknown[];
  /** Milliseconds until the caller's deadline. Default: 10,000. */
  readonly patience?: number;
}

export interface StreamObserved extends Observed {
  readonly replies: readonly unknown[];
}

/** A call that is under way. */
export interface OpenStream {
  /** Tells that no more messages come. */
  readonly end: () => void;
  readonly cancel: () => void;
  readonly done: Promise<StreamObserved>;
}

/** Calls gRPC subjects, unary and streaming. */
export interface GrpcSuiteClient extends Client {
  /** Sends its messages and leaves the call open. */
  readonly open: (spec: StreamSpec) => OpenStream;
  readonly stream: (spec: StreamSpec) => Promise<StreamObserved>;
}

export function grpcClient(port: number, operations: readonly string[]): GrpcSuiteClient {
  const service = serviceDefinition(operations);
  const channel = new GrpcClient(`127.0.0.1:${port}`, credentials.createInsecure());
  const open = (spec: StreamSpec): OpenStream => {
    const method = service[capital(spec.operation)];
    if (method === undefined) throw new Error(`No method ${spec.operation}.`);
    const metadata = new Metadata();
    for (const [name, value] of spec.headers) metadata.add(name, value);
    // Every kind of call is one of messages in and messages out; unary is one of each.
    const call = channel.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      metadata,
      { deadline: Date.now() + (spec.patience ?? 10_000) },
    );
    spec.signal?.addEventListener('abort', () => call.cancel());
    const done = new Promise<StreamObserved>((resolve) => {
      const replies: unknown[] = [];
      let initial: Metadata | undefined;
      call.on('metadata', (received: Metadata) => {
        initial = received;
      });
      call.on('data', (reply: unknown) => replies.push(reply));
      // The status event tells everything; the error event is the same again.
      call.on('error', (_: ServiceError) => undefined);
      call.on('status', (status: StatusObject) => resolve(observe(status, initial, replies)));
    });
    for (const message of spec.messages) call.write(message);
    return { end: () => call.end(), cancel: () => call.cancel(), done };
  };
  const stream = (spec: StreamSpec): Promise<StreamObserved> => {
    const { end, done } = open(spec);
    end();
    return done;
  };
  return {
    open,
    stream,
    call: (spec) => stream({ ...spec, messages: [spec.message ?? {}] }),
    target: ({ operation }) => ({ method: 'POST', path: methodPath(operation) }),
    close: () => channel.close(),
  };
}

function observe(
  status: StatusObject,
  initial: Metadata | undefined,
  replies: readonly unknown[],
): StreamObserved {
  const trailing = status.metadata;
  const header = (name: string): string | undefined => {
    const values = [...(initial?.get(name) ?? []), ...trailing.get(name)];
    return values.length > 0 ? values.join(', ') : undefined;
  };
  const details = trailing.get('grpc-status-details-bin')[0];
  const denial = details instanceof Buffer ? decodeStatus(details) : undefined;
  return {
    allowed: status.code === Status.OK,
    status: status.code,
    kinds: kindsOf(grpcCode, status.code),
    code: textMember(denial?.details, 'ErrorInfo', 'reason'),
    retryAfter: secondsOf(member(denial?.details, 'RetryInfo', 'retry_delay')),
    denial,
    reply: replies[0],
    replies,
    header,
    text: JSON.stringify([
      status.details,
      trailing.getMap(),
      initial?.getMap(),
      replies,
      String(details),
    ]),
  };
}

/** A `google.protobuf.Duration` in seconds; protobuf leaves out what is 0. */
function secondsOf(duration: unknown): number | undefined {
  if (duration === undefined) return undefined;
  const [seconds = 0, nanos = 0] = [member(duration, 'seconds'), member(duration, 'nanos')];
  return Number(seconds) + Number(nanos) / 1e9;
}
