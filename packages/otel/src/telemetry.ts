import {
  type CallFacts,
  type Completion,
  type Decided,
  type Denial,
  definePolicy,
  type NoFacts,
  type Obligations,
  type Policy,
  type RequestLike,
  type Role,
  type SyncPolicy,
} from '@apisec/core';
import {
  assertConfiguration,
  assertKnownOptions,
  CREDENTIAL_HEADERS,
  chain,
  describeCause,
  safeText,
  secretsOf,
} from '@apisec/core/host';
import { context, type Meter, metrics, trace } from '@opentelemetry/api';
import { boundedValues } from './bounded-values.ts';
import {
  type Attributes,
  callOf,
  degradedPolicies,
  denyingPolicy,
  identity,
  NONE,
  safe,
  safeOperation,
  shadowAttribute,
} from './call-attributes.ts';
import { instruments, type KeyAge, MOST_VALUES } from './instruments.ts';
import { limitUsage } from './limit-usage.ts';
import * as names from './names.ts';

/** A logger of `@opentelemetry/api-logs`, or whatever has its `emit`. */
export interface LoggerLike {
  readonly emit: (record: {
    readonly eventName?: string;
    readonly severityNumber?: number;
    readonly severityText?: string;
    readonly body?: string;
    readonly attributes?: Record<string, string | string[]>;
  }) => void;
}

/** Options of {@link telemetry}. */
export interface TelemetryOptions {
  /** Default: the global meter provider's. */
  readonly meter?: Meter | undefined;
  /** Given a record for each denial. Default: none is written. */
  readonly logger?: LoggerLike | undefined;
  /**
   * The operations that metrics name; others are `_OTHER`. Give it those of your coverage table. Default: the first
   * `maxOperations` that a call was admitted to.
   */
  readonly operations?: readonly string[] | undefined;
  /** Default: 200. */
  readonly maxOperations?: number | undefined;
  /** Asked at each collection: how old keys are. */
  readonly keyAges?: (() => Iterable<KeyAge>) | undefined;
  /** Puts tenant and client on spans and logs, never on metrics. Default: false. */
  readonly identify?: boolean | undefined;
  /** Headers of your own whose values are credentials: they stay out of spans, metrics and logs. */
  readonly credentialHeaders?: readonly string[] | undefined;
  /** Milliseconds of a monotonic clock. Default: `performance.now`. */
  readonly clock?: (() => number) | undefined;
}

/** The policy, and the means to measure others. */
export interface Telemetry extends SyncPolicy<CallFacts, NoFacts, 'check'> {
  /** The same policy, whose time is measured as `apisec.policy.duration`. */
  readonly measure: <
    Needs extends object,
    Adds extends object,
    R extends Role,
    P extends Policy<Needs, Adds, R>,
  >(
    policy: P & Policy<Needs, Adds, R>,
  ) => P;
}

const NAME = 'telemetry';
const OPTIONS: readonly (keyof TelemetryOptions)[] = [
  'meter',
  'logger',
  'operations',
  'maxOperations',
  'keyAges',
  'identify',
  'credentialHeaders',
  'clock',
];
const WARN = 13;
const CAUSE_TEXT = 1_024;

/**
 * Reports decisions to OpenTelemetry: attributes on the active span and an event for each denial, metrics
 * (`apisec.decisions`, `apisec.decision.duration`, `apisec.policy.duration`, `apisec.limit.usage`, `apisec.keys.age`,
 * `apisec.store.errors`) and a log record for each denial. It denies nothing and adds nothing. Put it first: the time
 * that a decision takes is measured from there.
 *
 * Attributes of metrics are bounded: a caller cannot make up time series. Names of callers are on none of them. What
 * policies say in causes is in log records alone, without credentials.
 *
 * @throws ConfigurationError for options out of their bounds.
 * @example
 * const watch = telemetry({ operations: ['GET /orders', 'POST /orders'] });
 * const orders = guard()
 *   .use(watch)
 *   .use(watch.measure(authenticateJwt({ issuer, audience })))
 *   .use(requireScopes('orders:read'));
 */
export function telemetry(options: TelemetryOptions = {}): Telemetry {
  assertKnownOptions(NAME, options, OPTIONS);
  const { maxOperations = 200, logger, keyAges, identify = false } = options;
  const { meter = metrics.getMeter('@apisec/otel'), clock = () => performance.now() } = options;
  assertConfiguration(
    Number.isSafeInteger(maxOperations) && maxOperations > 0,
    `${NAME}: maxOperations must be a whole number, 1 or more.`,
  );
  const headerNames = [
    ...CREDENTIAL_HEADERS,
    ...(options.credentialHeaders ?? []).map((name) => name.toLowerCase()),
  ];
  const singleHeaders = headerNames.filter((name) => name !== 'cookie');
  const operations = boundedValues(maxOperations, options.operations);
  const codes = boundedValues(MOST_VALUES);
  const policies = boundedValues(MOST_VALUES);
  const limits = boundedValues(MOST_VALUES);
  const { decisions, decisionTime, policyTime, usage, storeErrors } = instruments(meter, keyAges);

  const tell = (
    decided: Decided,
    request: RequestLike | undefined,
    begun: number | undefined,
  ): void => {
    const { allowed, denial, facts, obligations } = decided;
    // A preflight ends with a denial that is an answer, and nobody is denied.
    const denied = !allowed && denial?.answer === undefined ? denial : undefined;
    const verdict = denied === undefined ? 'allow' : 'deny';
    const { operation, protocol } = callOf(facts);
    const policy = denied && denyingPolicy(decided.trace);
    const common: Attributes = {
      [names.DECISION]: verdict,
      // What is denied could be made up by the caller, what is admitted had to be admitted.
      [names.OPERATION]: operations.of(operation, denied === undefined),
      [names.PROTOCOL]: protocol,
    };
    const why: Attributes =
      denied === undefined
        ? {}
        : {
            [names.DENIAL_KIND]: denied.kind,
            [names.DENIAL_CODE]: codes.of(denied.code, true),
            ...(policy !== undefined && { [names.POLICY]: policies.of(policy, true) }),
          };
    // With the context, so that an SDK can keep the trace as an exemplar.
    const active = context.active();
    decisions.add(1, { ...common, ...why }, active);
    if (begun !== undefined) decisionTime.record((clock() - begun) / 1_000, common, active);
    for (const { name, used } of limitUsage(obligations)) {
      usage.record(used, { [names.LIMIT]: limits.of(name, true) }, active);
    }
    const degraded = degradedPolicies(decided.trace);
    for (const each of degraded) {
      storeErrors.add(
        1,
        { [names.POLICY]: policies.of(each, true), [names.OUTCOME]: 'degraded' },
        active,
      );
    }
    if (denied?.kind === 'unavailable') {
      const at = policies.of(policy ?? names.OTHER, true);
      storeErrors.add(1, { [names.POLICY]: at, [names.OUTCOME]: 'denied' }, active);
    }
    // Cookies hold names as well, which belong on a span: only causes are searched for them.
    const credentials =
      request === undefined || (denied === undefined && !identify)
        ? NONE
        : secretsOf(request, singleHeaders);
    const told: Attributes = {
      ...common,
      [names.OPERATION]: safeOperation(operation, credentials),
      ...(denied && {
        [names.ERROR_TYPE]: safe(denied.code),
        [names.DENIAL_KIND]: denied.kind,
        [names.DENIAL_CODE]: safe(denied.code),
      }),
      ...(policy !== undefined && {
        [names.POLICY]: safe(policy),
        [names.SECURITY_RULE_NAME]: safe(policy),
        [names.SECURITY_RULESET_NAME]: 'apisec',
      }),
      ...(degraded.length > 0 && { [names.DEGRADED]: degraded.map((each) => safe(each)) }),
      ...shadowAttribute(decided.trace),
      ...(identify && identity(facts, credentials)),
    };
    const span = trace.getSpan(active);
    span?.setAttributes(told);
    if (denied === undefined) return;
    span?.addEvent(names.DENIAL_EVENT, told);
    logger?.emit({
      eventName: names.DENIAL_EVENT,
      severityNumber: WARN,
      severityText: 'WARN',
      body: `denied ${safeOperation(operation, credentials)}: ${safe(denied.code)}`,
      attributes: { ...told, ...causeOf(denied, request) },
    });
  };

  const causeOf = (denial: Denial, request: RequestLike | undefined): Attributes => {
    const secrets = request === undefined ? [] : secretsOf(request, headerNames);
    const cause = describeCause(denial.cause, secrets);
    return cause ? { [names.CAUSE]: safeText(cause, CAUSE_TEXT) } : {};
  };

  const policy = definePolicy<CallFacts, NoFacts, 'check'>({
    name: NAME,
    role: 'check',
    always: {
      // For what an earlier policy denied; of the others `check` knows more.
      onDecision: (decided) => {
        if (!decided.trace.some((entry) => entry.policy === NAME))
          tell(decided, undefined, undefined);
      },
      onComplete: (completion) => countLate(completion),
    },
    check: (request) => {
      const begun = clock();
      const obligations: Obligations = { onDecision: (decided) => tell(decided, request, begun) };
      return { ok: true, obligations };
    },
  });

  /** A body or a payload that was denied after the decision is a denial as well. */
  const countLate = ({ denial, facts, trace: entries, outcome }: Completion): void => {
    if (denial === undefined || denial.answer !== undefined || outcome !== 'denied') return;
    if (entries.some((entry) => entry.denial === denial)) return;
    if (!('call' in facts)) return;
    const { operation, protocol } = callOf(facts);
    decisions.add(1, {
      [names.DECISION]: 'deny',
      [names.OPERATION]: operations.of(operation, false),
      [names.PROTOCOL]: protocol,
      [names.DENIAL_KIND]: denial.kind,
      [names.DENIAL_CODE]: codes.of(denial.code, true),
    });
  };

  return Object.freeze<Telemetry>({
    ...policy,
    measure: (measured) => {
      const label = { [names.POLICY]: policies.of(measured.name, true) };
      const done = (begun: number): void => {
        try {
          policyTime.record((clock() - begun) / 1_000, label, context.active());
        } catch {
          // A meter that is broken denies nobody.
        }
      };
      return Object.freeze({
        ...measured,
        check: (...call: Parameters<typeof measured.check>) => {
          const begun = clock();
          return chain(
            () => measured.check(...call),
            (outcome) => {
              done(begun);
              return outcome;
            },
            (cause) => {
              done(begun);
              throw cause;
            },
          );
        },
      });
    },
  });
}
