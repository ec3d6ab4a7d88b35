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
  type TraceEntry,
} from '@apisec/core';
import {
  assertConfiguration,
  assertKnownOptions,
  CREDENTIAL_HEADERS,
  chain,
  describeCause,
  redactName,
  redactOperation,
  safeText,
  secretsOf,
} from '@apisec/core/host';
import { context, type Meter, metrics, trace } from '@opentelemetry/api';
import { boundedValues } from './bounded-values.ts';
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

/** The age of a key or a key set. */
export interface KeyAge {
  readonly name: string;
  /** Milliseconds since it was made, or was last fetched. */
  readonly ageMs: number;
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
  /** Headers of your own whose values are credentials: nothing of them is told. */
  readonly credentialHeaders?: readonly string[] | undefined;
  /** Milliseconds on a clock that only goes on. Default: `performance.now`. */
  readonly clock?: (() => number) | undefined;
}

/** The policy, and the means to measure others. */
export interface Telemetry extends SyncPolicy<CallFacts, NoFacts, 'check'> {
  /** The same policy, whose time is told as `apisec.policy.duration`. */
  readonly measure: <
    Needs extends object,
    Adds extends object,
    R extends Role,
    P extends Policy<Needs, Adds, R>,
  >(
    policy: P & Policy<Needs, Adds, R>,
  ) => P;
}

type Told = Record<string, string | string[]>;

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
/** More codes and policies than anybody has, and few enough for any backend. */
const MOST_CODES = 300;
const SECONDS = {
  unit: 's',
  advice: { explicitBucketBoundaries: [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5] },
};
const WARN = 13;
const TEXT = 256;
const NONE: readonly string[] = Object.freeze([]);
const CAUSE_TEXT = 1_024;

/**
 * Tells OpenTelemetry what is decided: attributes on the active span and an event for each denial, metrics
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
  const codes = boundedValues(MOST_CODES);
  const policies = boundedValues(MOST_CODES);
  const limits = boundedValues(MOST_CODES);
  const decisions = meter.createCounter(names.DECISIONS_METRIC, {
    description: 'Calls that were decided.',
    unit: '{decision}',
  });
  const decisionTime = meter.createHistogram(names.DECISION_DURATION_METRIC, {
    description: 'Time from the first policy to the decision.',
    ...SECONDS,
  });
  const policyTime = meter.createHistogram(names.POLICY_DURATION_METRIC, {
    description: 'Time that a policy took.',
    ...SECONDS,
  });
  const usage = meter.createHistogram(names.LIMIT_USAGE_METRIC, {
    description: 'Part of a limit that was used when a call was decided.',
    unit: '1',
    advice: { explicitBucketBoundaries: [0, 0.25, 0.5, 0.75, 0.9, 0.99, 1] },
  });
  const storeErrors = meter.createCounter(names.STORE_ERRORS_METRIC, {
    description: 'Decisions for which a store or another server did not answer.',
    unit: '{error}',
  });
  if (keyAges !== undefined) {
    const known = boundedValues(MOST_CODES);
    meter
      .createObservableGauge(names.KEYS_AGE_METRIC, { description: 'Age of keys.', unit: 's' })
      .addCallback((result) => {
        // Of those that have no series of their own the oldest counts.
        let oldest = Number.NEGATIVE_INFINITY;
        for (const { name, ageMs } of keyAges()) {
          if (!Number.isFinite(ageMs)) continue;
          const key = known.of(name, true);
          if (key === names.OTHER) oldest = Math.max(oldest, ageMs);
          else result.observe(ageMs / 1_000, { [names.KEY]: key });
        }
        if (oldest >= 0) result.observe(oldest / 1_000, { [names.KEY]: names.OTHER });
      });
  }

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
    const common: Told = {
      [names.DECISION]: verdict,
      // What is denied could be made up by the caller, what is admitted had to be admitted.
      [names.OPERATION]: operations.of(operation, denied === undefined),
      [names.PROTOCOL]: protocol,
    };
    const why: Told =
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
    const told: Told = {
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

  const causeOf = (denial: Denial, request: RequestLike | undefined): Told => {
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

function safe(text: string, secrets: readonly string[] = NONE): string {
  return safeText(redactName(text, secrets), TEXT);
}

function safeOperation(text: string, secrets: readonly string[]): string {
  return safeText(redactOperation(text, secrets), TEXT);
}

function callOf(facts: Readonly<Record<string, unknown>>): { operation: string; protocol: string } {
  // Adapters supply it; where nobody did, it is said to be unknown.
  const call = facts['call'] as CallFacts['call'] | undefined;
  if (call === undefined) return { operation: names.OTHER, protocol: names.OTHER };
  if (call.protocol !== 'graphql') return { operation: call.operation, protocol: call.protocol };
  // The name of a GraphQL operation is the client's; what it calls are its root fields.
  const coordinates = new Set(call.fields.map(({ coordinate }) => coordinate));
  const [only = names.OTHER] = coordinates;
  return { operation: coordinates.size === 1 ? only : names.OTHER, protocol: call.protocol };
}

function denyingPolicy(entries: readonly TraceEntry[]): string | undefined {
  return entries.findLast(({ denial, verdict }) => denial !== undefined && verdict === 'denied')
    ?.policy;
}

function degradedPolicies(entries: readonly TraceEntry[]): string[] {
  return entries.flatMap(({ policy, degraded, within }) => [
    ...(degraded === undefined ? [] : [policy]),
    ...(within === undefined ? [] : degradedPolicies(within)),
  ]);
}

function shadowAttribute(entries: readonly TraceEntry[]): Told {
  const would = entries.filter(({ verdict }) => verdict === 'would_deny');
  return would.length === 0
    ? {}
    : {
        [names.WOULD_DENY]: would.map(({ policy, denial }) =>
          safe(`${policy} ${denial?.code ?? ''}`),
        ),
      };
}

function identity(facts: Readonly<Record<string, unknown>>, secrets: readonly string[]): Told {
  const { clientId, tenant: own } = (facts['principal'] ?? {}) as Readonly<Record<string, unknown>>;
  const given = facts['tenant'];
  const tenant = typeof given === 'string' ? given : own;
  return {
    ...(typeof clientId === 'string' && { [names.CLIENT]: safe(clientId, secrets) }),
    ...(typeof tenant === 'string' && { [names.TENANT]: safe(tenant, secrets) }),
  };
}
