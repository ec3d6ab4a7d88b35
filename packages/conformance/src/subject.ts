import type { Admission, CallFacts, DenialKind, MaybePromise } from '@apisec/core';
import type { CallTarget } from './credentials.ts';

/** The protocols of the suite; decides which client calls the subject. */
export type Protocol = 'http' | 'graphql' | 'grpc';

/**
 * What not every host can do. A capability that a subject does not declare must be named in its `gaps`
 * with the reason, so that nothing is skipped in silence.
 */
export type Capability =
  /** Answers CORS preflights itself. */
  | 'preflight'
  /** Serves calls with the method QUERY (RFC 10008). */
  | 'query'
  /** Lets a handler emit what is not data (text, a stream, a file). */
  | 'raw-output'
  /** Carries calls of many messages. */
  | 'streams'
  /** Header edits arrive as headers that a client can read. */
  | 'headers'
  /** The suite's client can send a field twice. */
  | 'repeated-fields'
  /** Parses bodies itself, so that the suite can send broken ones. */
  | 'bodies'
  /** The status of an answer tells how the handler fared. */
  | 'statuses'
  /** Tells calls whose caller went away from others, at the latest when the handler has ended. */
  | 'departures'
  /** Knows before the handler whether the caller has left meanwhile. */
  | 'absences';

/** One operation that the subject must serve, with the guard that decides it. */
export interface Operation {
  /** camelCase; the HTTP path is `/name`, the GraphQL field `name`, the gRPC method `Name`. */
  readonly name: string;
  readonly admission: Admission<CallFacts, object>;
  /** False for the one that the subject serves but must leave out of its table. */
  readonly listed: boolean;
  /** What the handler answers, or throws. */
  readonly handle: (message: unknown, facts: object) => MaybePromise<Reply>;
  /** True for the one that must be served for GET alone. */
  readonly readOnly?: boolean;
  /** The handler must emit this text as it is, not as data. */
  readonly raw?: string;
  /** The handler must stream this (HTTP only). */
  readonly records?: Records;
}

/** A body of many payloads, as its handler writes it. */
export interface Records {
  readonly type: string;
  /** Texts, or single bytes. */
  readonly chunks: readonly (string | number)[];
}

export interface Reply {
  readonly id: string;
  readonly amount: number;
  readonly secret: string;
  readonly poison: boolean;
  /** What the handler must answer with, where the protocol has it: 401 is UNAUTHENTICATED in gRPC. */
  readonly status: 200 | 401;
}

/** What the suite hands to a subject. */
export interface ConformanceApi {
  readonly operations: readonly Operation[];
  /** To be called by handlers with their facts, so that the suite can see that they ran. */
  readonly serve: (operation: Operation, message: unknown, facts: object) => Promise<Reply>;
  /** To be called and awaited by handlers of streams before they do anything. */
  readonly enter: (facts: object) => Promise<void>;
  /** The guards of the streaming methods, for subjects that carry streams. */
  readonly streams: Readonly<Record<'watch' | 'upload' | 'chat', Admission<CallFacts, object>>>;
  /** Bodies above this size must be denied, in bytes. */
  readonly largestBody: number;
  /** HTTP subjects answer all errors with problem details of these types. */
  readonly problemTypeBase: string;
}

/** A running subject. */
export interface Served {
  /** Where it listens; absent for subjects called in process. */
  readonly port?: number;
  /** For subjects called in process. */
  readonly fetch?: (request: Request) => Promise<Response>;
  readonly close: () => Promise<void>;
}

/** An adapter under test. */
export interface Subject {
  readonly name: string;
  readonly protocol: Protocol;
  readonly capabilities: readonly Capability[];
  /** Every capability that is missing, with the reason. */
  readonly gaps?: Readonly<Partial<Record<Capability, string>>>;
  readonly start: (api: ConformanceApi) => Promise<Served>;
}

/** What adapters of HTTP can do, whatever their framework. */
export const httpSubject: Omit<Subject, 'name' | 'start'> = {
  protocol: 'http',
  capabilities: [
    'preflight',
    'query',
    'raw-output',
    'headers',
    'repeated-fields',
    'bodies',
    'statuses',
    'departures',
    'absences',
  ],
  gaps: { streams: 'HTTP carries one message each way.' },
};

/** One call as a case describes it, the same for every protocol. */
export interface CallSpec {
  readonly operation: string;
  /** In order; a name may come twice. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly message?: unknown;
  /** Sends these bytes in place of a well-formed message (HTTP only). */
  readonly body?: { readonly type: string; readonly text: string };
  /** HTTP only. */
  readonly method?: string;
  /** Aborted when the caller goes away before the answer. */
  readonly signal?: AbortSignal | undefined;
}

/** What the caller saw. */
export interface Observed {
  readonly allowed: boolean;
  /** The HTTP status or gRPC code. */
  readonly status: number;
  /** Every kind that the wire table maps to what was seen. */
  readonly kinds: readonly DenialKind[];
  /** The denial's code as told to the caller. */
  readonly code?: string | undefined;
  readonly reply?: unknown;
  /**
   * Seconds to wait, from the protocol's own place: `Retry-After` (whole ones), `extensions`, or
   * `google.rpc.RetryInfo`.
   */
  readonly retryAfter?: number | undefined;
  /** The denial as the protocol tells it: problem details, an error, or `google.rpc.Status`. */
  readonly denial?: unknown;
  readonly header: (name: string) => string | undefined;
  /** All that came back, for leak checks. */
  readonly text: string;
}

/** Calls a subject in its protocol. */
export interface Client {
  /** Method and path that a call has on the wire. */
  readonly target: (spec: Omit<CallSpec, 'headers'>) => CallTarget;
  readonly call: (spec: CallSpec) => Promise<Observed>;
  readonly close: () => void;
}
