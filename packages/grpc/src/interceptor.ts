import { type Admission, ConfigurationError, type Coverage, coverage } from '@apisec/core';
import {
  assertConfiguration,
  assertKnownOptions,
  type DenialLog,
  fault,
  faultReporter,
  report,
} from '@apisec/core/host';
import { nodeDenialLog, type ProxyTrust } from '@apisec/node';
import {
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import { type CallLimits, compileLimits } from './call-limits.ts';
import type { GrpcSeed } from './connection.ts';
import { denialStatus } from './denial-status.ts';
import { SecuredCall } from './secured-call.ts';
import type { SecuredMethod } from './secured-method.ts';
import { streamCount } from './stream-count.ts';

/** Which guard decides on which method, by full path: `/shop.v1.Orders/List`. */
export type MethodTable = Readonly<Record<string, Admission<GrpcSeed, object>>>;

/** Options of {@link secure}. */
export interface SecureOptions {
  /**
   * The guard of each method. A method that is not listed is denied, health and reflection included; there
   * are no patterns (see `guardService` for all methods of a service).
   */
  readonly methods: MethodTable | Coverage<GrpcSeed>;
  /** Your own proxies, where they name the caller in metadata. Default: the peer is whoever connects. */
  readonly trust?: ProxyTrust | undefined;
  /**
   * The status of a method that is not listed. `denied`: PERMISSION_DENIED, so that probing learns nothing.
   * `unimplemented`: UNIMPLEMENTED, which clients understand as an older server; the `unlisted` guard of a coverage
   * table still decides who learns it. Default: `denied`.
   */
  readonly unlisted?: 'denied' | 'unimplemented' | undefined;
  /** What each call may take. Default: see {@link CallLimits}. */
  readonly limits?: CallLimits | undefined;
  /** The same for single methods, by path; what is set here is in place of what `limits` says. */
  readonly methodLimits?: Readonly<Record<string, CallLimits>> | undefined;
  /**
   * Streams that callers without a principal (health checks that watch, public feeds) may have open at a time from one
   * address (a /64 prefix of IPv6): `stream.too_many` (RESOURCE_EXHAUSTED). Default: 100.
   */
  readonly anonymousStreams?: number | 'unlimited' | undefined;
  /**
   * Where your documentation describes denials: the code is put behind it, as in `https://docs.example.com/denials#`.
   * Callers get the address as `google.rpc.Help`. Default: the type of the problem, where the denial has one.
   */
  readonly help?: string | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
  /**
   * Hears what an `onComplete` threw, and what the application threw into the interceptor: the caller gets a
   * plain INTERNAL and the process goes on. Whatever it throws itself is ignored. Default: one line on `console.error`
   * for each cause and minute.
   */
  readonly onFault?: ((cause: unknown) => void) | undefined;
  /**
   * Writes why a call was denied, for operators only: `logDenials()`. Also logs what is denied before the guard
   * is asked. Default: nothing; where `NODE_ENV` is `development`, text on the terminal, which `false` switches off.
   */
  readonly logDenials?: DenialLog | false | undefined;
}

const OPTIONS: readonly (keyof SecureOptions)[] = [
  'methods',
  'trust',
  'unlisted',
  'limits',
  'methodLimits',
  'anonymousStreams',
  'help',
  'now',
  'onFault',
  'logDenials',
];

const METHOD_PATH = /^\/[A-Za-z_][\w.]*\/[A-Za-z_]\w*$/;
/** No name of a method comes near it; a caller may send 64 kB. */
const MAX_NAME = 200;

const tables = new WeakMap<ServerInterceptor, Coverage<GrpcSeed>>();
const covering = new WeakSet<ServerInterceptor>();

const UNCOVERED =
  'secure: coverServer(server) was not called for the server of this interceptor. Without it unknown methods are not ' +
  'decided, and repeated header fields and malformed deadlines are what grpc-js makes of them. Write coverServer(server) ' +
  'before bindAsync(), or secure(server, { … }) in the place of both.';

/** The interceptor that enforces a table. */
export function createInterceptor(options: SecureOptions): ServerInterceptor {
  const { methods, trust, unlisted = 'denied' } = options ?? {};
  const { onFault = faultReporter('@apisec/grpc') } = options ?? {};
  assertConfiguration(
    typeof methods === 'object' && methods !== null,
    "secure: list the methods: secure(server, { methods: { '/shop.v1.Orders/List': guard } }).",
  );
  assertKnownOptions('secure', options, OPTIONS);
  assertConfiguration(
    unlisted === 'denied' || unlisted === 'unimplemented',
    "secure: unlisted must be 'denied' or 'unimplemented'.",
  );
  const { limits = {}, methodLimits = {}, anonymousStreams = 100, now = Date.now, help } = options;
  assertConfiguration(
    anonymousStreams === 'unlimited' ||
      (Number.isSafeInteger(anonymousStreams) && anonymousStreams > 0),
    "secure: anonymousStreams must be a whole number above 0, or 'unlimited'.",
  );
  assertConfiguration(
    help === undefined || (typeof help === 'string' && /^https:\/\/[!-~]{1,200}$/.test(help)),
    "secure: help must be an https address, as in 'https://docs.example.com/denials#'.",
  );
  assertConfiguration(typeof now === 'function', 'secure: now must be a function.');
  const denialLog = nodeDenialLog('secure', options.logDenials);
  const anonymous = streamCount(anonymousStreams === 'unlimited' ? Infinity : anonymousStreams);
  const common = compileLimits('secure: limits', limits);
  const table = isCoverage(methods) ? methods : coverage<GrpcSeed>(methods);
  const secureMethod = (path: string, own?: CallLimits): SecuredMethod => ({
    fact: Object.freeze({ protocol: 'grpc', operation: bounded(path) } as const),
    admission: table.admission(path),
    trust,
    hidesUnlisted: unlisted === 'denied',
    limits: own ? compileLimits(`secure: methodLimits: ${path}`, { ...limits, ...own }) : common,
    anonymous,
    help,
    now,
    onFault: (cause) => report(onFault, cause),
    denialLog,
  });
  for (const path of table.operations) {
    assertConfiguration(
      METHOD_PATH.test(path),
      `secure: "${path}" is not a method; write its full path, '/shop.v1.Orders/List'.`,
    );
  }
  for (const path of Object.keys(methodLimits)) {
    assertConfiguration(
      table.operations.includes(path),
      `secure: methodLimits: "${path}" is not among the methods.`,
    );
  }
  const listed = new Map(
    table.operations.map((path) => [path, secureMethod(path, methodLimits[path])]),
  );
  let isChecked = false;
  const interceptor: ServerInterceptor = (definition, call) => {
    const { path } = definition;
    if (!isChecked) {
      isChecked = true;
      if (!covering.has(interceptor)) report(onFault, new ConfigurationError(UNCOVERED));
    }
    try {
      const secured = new SecuredCall(listed.get(path) ?? secureMethod(path), definition, call);
      // It has all methods of the class, and no others are called.
      return secured as unknown as ServerInterceptingCall;
    } catch (cause) {
      report(onFault, cause);
      return closedCall(call);
    }
  };
  tables.set(interceptor, table);
  return interceptor;
}

/** The table that an interceptor of {@link createInterceptor} enforces. */
export function tableOf(interceptor: ServerInterceptor): Coverage<GrpcSeed> | undefined {
  return tables.get(interceptor);
}

/** Says that a server is covered with an interceptor, which otherwise reports at its first call that none is. */
export function markCovered(interceptor: ServerInterceptor): void {
  covering.add(interceptor);
}

/** A method that nobody serves is named by its caller: facts and events hold no more of it than of any other. */
function bounded(path: string): string {
  return path.length <= MAX_NAME ? path : `${path.slice(0, MAX_NAME)}...`;
}

/** A call that nobody can decide reaches no handler. */
function closedCall(call: ServerInterceptingCallInterface): ServerInterceptingCall {
  return new ServerInterceptingCall(call, {
    start: (next) =>
      next({ onReceiveMetadata: () => call.sendStatus(denialStatus(fault('guard.incomplete'))) }),
  });
}

/** A coverage table has functions where a plain table has paths. */
function isCoverage(methods: MethodTable | Coverage<GrpcSeed>): methods is Coverage<GrpcSeed> {
  return typeof methods.check === 'function';
}
