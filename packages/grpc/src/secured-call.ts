import type {
  Admission,
  BodyOutcome,
  Decision,
  Denial,
  GrpcCall,
  MaybePromise,
} from '@apisec/core';
import { admit, chain, type Ending, type Enforcement, enforce, fault } from '@apisec/core/host';
import type { ProxyTrust } from '@apisec/node';
import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerListener,
  status,
} from '@grpc/grpc-js';
import { inOrder } from './in-order.ts';
import { requestView, withHeaders } from './metadata.ts';
import { refusalStatus } from './refusal.ts';
import { type GrpcSeed, seedOf } from './seed.ts';

/** All that is known before there is a call. */
export interface SecuredMethod {
  readonly fact: GrpcCall;
  readonly admission: Admission<GrpcSeed, object>;
  readonly trust: ProxyTrust | undefined;
  /** Never throws. */
  readonly onError: (cause: unknown) => void;
}

type Inspect = (body: unknown) => MaybePromise<BodyOutcome>;

/**
 * Enforces an admission on one call: nothing reaches the handler before the decision, no message passes in
 * either direction unseen, and once the call has ended nothing passes at all.
 */
export function securedCall(
  { fact, admission, trust, onError }: SecuredMethod,
  call: ServerInterceptingCallInterface,
): ServerInterceptingCall {
  let duty: Enforcement | undefined;
  /** There once they are known to be headers. */
  let applyHeaders: Enforcement['applyHeaders'] | undefined;
  let ending: Ending | undefined;
  let metadataSent = false;
  const inbound = inOrder();
  const outbound = inOrder();

  /** False where the call has ended before. */
  const end = (how: Ending): boolean => {
    if (ending !== undefined) return false;
    ending = how;
    duty?.complete(how);
    return true;
  };

  /** What throws in here is the application's, or grpc-js on its data: the call ends, not the process. */
  const attempt = (step: () => void): void => {
    try {
      step();
    } catch (cause) {
      onError(cause);
      end({ outcome: 'failed', status: status.INTERNAL });
      try {
        call.sendStatus(refusalStatus(fault('handler.threw')));
      } catch (again) {
        onError(again);
      }
    }
  };

  /** Straight to the wire, so that nothing held back by interceptors behind this one goes out before. */
  const refuse = (denial: Denial): void =>
    attempt(() => {
      const answer = refusalStatus(denial, metadataSent ? undefined : applyHeaders);
      if (end({ outcome: 'denied', status: answer.code, denial })) call.sendStatus(answer);
    });

  const decided = (decision: Decision<object>, metadata: Metadata, next: () => void): void => {
    try {
      duty = enforce(decision, onError);
      withHeaders(duty.applyHeaders, undefined);
      ({ applyHeaders } = duty);
    } catch (cause) {
      refuse(fault('policy.invalid_outcome', cause));
    }
    // The caller went away while the policies were thinking: what they took is settled all the same.
    if (ending !== undefined) duty?.complete(ending);
    else if (decision.allowed) {
      admit(metadata, decision);
      next();
    } else refuse(decision.denial);
  };

  const inspected = (
    inspect: Inspect | undefined,
    body: unknown,
    next: (body: unknown) => void,
  ): MaybePromise<void> => {
    if (ending !== undefined) return undefined;
    // Only an interceptor behind this one can send before there is a decision.
    if (duty === undefined) return refuse(fault('release.unfilterable'));
    if (inspect === undefined) return attempt(() => next(body));
    return chain(
      () => inspect(body),
      (outcome) => {
        if (ending !== undefined) return;
        if (!outcome.ok) refuse(outcome.denial);
        else if (!('value' in outcome)) attempt(() => next(body));
        // To a stream null is its end; it is no message.
        else if (outcome.value == null) refuse(fault('policy.invalid_outcome'));
        else attempt(() => next(outcome.value));
      },
      (cause) => refuse(fault('policy.threw', cause)),
    );
  };

  const listener: ServerListener = {
    onReceiveMetadata: (metadata, next) => {
      void chain(
        () => {
          const view = requestView(fact.operation, metadata, call);
          return admission.check(view, seedOf(fact, call, view, trust));
        },
        (decision) => attempt(() => decided(decision, metadata, () => next(metadata))),
        (cause) => refuse(fault('policy.threw', cause)),
      );
    },
    onReceiveMessage: (message, next) => inbound(() => inspected(duty?.onMessage, message, next)),
    onReceiveHalfClose: (next) => inbound(() => inspected(undefined, undefined, next)),
    onCancel: () => {
      // The clock may be a millisecond behind the timer that grpc-js sets for the deadline.
      const late = Number(call.getDeadline()) <= Date.now() + 1;
      end({ outcome: 'aborted', status: late ? status.DEADLINE_EXCEEDED : status.CANCELLED });
    },
  };

  return new ServerInterceptingCall(call, {
    start: (next) => next(listener),
    sendMetadata: (metadata, next) =>
      attempt(() => {
        if (ending !== undefined || applyHeaders === undefined) return;
        const edited = withHeaders(applyHeaders, metadata);
        metadataSent = true;
        next(edited);
      }),
    sendMessage: (message, next) => outbound(() => inspected(duty?.onRelease, message, next)),
    sendStatus: ({ code, details, metadata }, next) =>
      outbound(() =>
        attempt(() => {
          const edited =
            metadataSent || !applyHeaders ? metadata : withHeaders(applyHeaders, metadata);
          const outcome = code === status.OK ? 'succeeded' : 'failed';
          if (!end({ outcome, status: code })) return;
          // Half a surrogate pair, which protobufjs can read from a request, is fatal to grpc-js.
          next({ code, details: details?.replace(/\p{Surrogate}/gu, '\ufffd'), metadata: edited });
        }),
      ),
  });
}
