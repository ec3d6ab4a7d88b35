import { fault } from '../engine/denial.ts';
import type { CallFacts } from '../engine/facts.ts';
import type { BodyOutcome } from '../engine/obligations.ts';
import { type NoFacts, pass } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import { tenantOf } from '../engine/tenant-of.ts';
import type { TraceEntry } from '../engine/trace.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertBetween, assertKnownOptions } from '../lib/options.ts';
import { type FilterRun, startRun, type Unreleasable } from './filter-run.ts';
import { compileShape, ownership } from './output-shape.ts';
import { type OutputShape } from './restricted-shape.ts';
import { type CallerFacts, isVisibleTo, type Visibility } from './visibility.ts';

/** What was taken out of one payload. */
export interface FilteredOutput {
  /** How many members and items. */
  readonly dropped: number;
  readonly operation: string;
}

/** An object of another tenant in what a handler answered. */
export interface TenantLeak {
  readonly operation: string;
  /** Where in the shape, for example `payload.items[]`. */
  readonly where: string;
}

/** Whose the objects are, and who calls. */
export interface OutputTenant {
  /** The tenant of an object; nothing for one that belongs to the object it is in. Asked before members are dropped. */
  readonly tenantOf: (object: Readonly<Record<string, unknown>>) => unknown;
  /** The tenant of the call. Default: the fact `tenant`; where nothing adds it, that of the principal. */
  readonly expected?: ((facts: CallerFacts & CallFacts) => string | undefined) | undefined;
  /**
   * Only reports leaks, and lets them go out: to find out in front of old clients whether there are any. Default:
   * absent, so that a leak is denied.
   */
  readonly insecureReportOnly?: ((leak: TenantLeak) => void) | undefined;
}

/** Options of {@link filterOutput}. */
export interface FilterOutputOptions {
  /** What may go out. What it does not name does not. */
  readonly shape: OutputShape;
  readonly tenant?: OutputTenant | undefined;
  /** Told where something was taken out. A throw denies. */
  readonly onFiltered?: ((filtered: FilteredOutput) => void) | undefined;
  /** The most members and items of a payload, counted over all levels. Default: 100,000. */
  readonly maxValues?: number | undefined;
}

const NAME = 'filterOutput';

/**
 * Lets go out only what the shape names, for everybody or for callers with a role or scope (OWASP API3). Members that
 * it does not name are taken out; what is not of the shape (an object where a value is meant, a list where an object
 * is, a member that throws, more than `maxValues`) is denied and not passed on. It holds for whatever the handler
 * answers, its own errors included; denials of policies are not among them.
 *
 * The trace of the call, and so its audit event, say how many were taken out (`filtered`).
 *
 * Denies with `release.unfilterable` (500), and with `tenant.leak` (500) where an object belongs to another tenant.
 * Operators learn where.
 *
 * @throws ConfigurationError for what is not a shape.
 * @example
 * filterOutput({
 *   shape: { items: [{ id: 'value', total: 'value', margin: visibleTo({ roles: ['sales'] }, 'value') }] },
 *   tenant: { tenantOf: ({ tenantId }) => tenantId },
 * })
 */
export function filterOutput(
  options: FilterOutputOptions,
): SyncPolicy<CallFacts & CallerFacts, NoFacts, 'check'> {
  assertKnownOptions(NAME, options, ['shape', 'tenant', 'onFiltered', 'maxValues']);
  const { shape, tenant, onFiltered, maxValues = 100_000 } = options;
  assertBetween(NAME, 'maxValues', maxValues, 1, 10_000_000, 'values');
  assertConfiguration(
    onFiltered === undefined || typeof onFiltered === 'function',
    `${NAME}: onFiltered must be a function.`,
  );
  const { tenantOf, expected, insecureReportOnly } = tenantRule(tenant);
  const restrictions: Visibility[] = [];
  const filter = compileShape(NAME, shape, restrictions);

  const release = (
    payload: unknown,
    facts: CallFacts & CallerFacts,
    log: FilterLog,
  ): BodyOutcome => {
    if (payload === undefined) return { ok: true };
    const { operation } = facts.call;
    const visible = restrictions.map((who) => isVisibleTo(facts.principal, who));
    const filtered = (
      ownedBy: FilterRun['ownedBy'],
    ): readonly [result: unknown, run: FilterRun] => {
      const run = startRun(maxValues, visible, ownedBy);
      return [filter.apply(payload, run, filter), run];
    };
    try {
      let ownedBy: FilterRun['ownedBy'];
      if (tenantOf !== undefined) ownedBy = ownership(tenantOf, expected(facts));
      let [result, { dropped, failed }] = filtered(ownedBy);
      if (failed?.reason === 'tenant' && insecureReportOnly) {
        insecureReportOnly({ operation, where: failed.where });
        [result, { dropped, failed }] = filtered(undefined);
      }
      if (failed !== undefined) return unreleased(failed, operation);
      // The whole payload is for others: there is nothing to answer with.
      if (result === undefined) return unreleased({ reason: 'shape', where: 'payload' }, operation);
      if (dropped === 0) return { ok: true, value: result };
      onFiltered?.({ dropped, operation });
      if (log.entry === undefined) {
        log.entry = { policy: NAME, role: 'check', verdict: 'passed', dropped };
        return { ok: true, value: result, trace: [log.entry] };
      }
      log.entry.dropped += dropped;
      return { ok: true, value: result };
    } catch (cause) {
      return { ok: false, denial: fault('release.unfilterable', cause) };
    }
  };

  return definePolicy({
    name: NAME,
    role: 'check',
    purposes: ['output'],
    needs: ['call', 'bodies'],
    adds: [],
    check: (_request, facts: CallFacts & CallerFacts) => {
      const log: FilterLog = { entry: undefined };
      return pass({}, { onRelease: (payload) => release(payload, facts, log) });
    },
  });
}

/** What the trace of one call says of its payloads: one entry, however many there are. */
interface FilterLog {
  entry: (TraceEntry & { dropped: number }) | undefined;
}

interface TenantRule {
  readonly tenantOf?: OutputTenant['tenantOf'] | undefined;
  readonly expected: NonNullable<OutputTenant['expected']>;
  readonly insecureReportOnly?: OutputTenant['insecureReportOnly'];
}

const ofCall: TenantRule['expected'] = (facts) => tenantOf(facts) ?? facts.principal?.tenant;

function tenantRule(tenant: OutputTenant | undefined): TenantRule {
  if (tenant === undefined) return { expected: ofCall };
  assertKnownOptions(`${NAME}, tenant`, tenant, ['tenantOf', 'expected', 'insecureReportOnly']);
  const { tenantOf, expected = ofCall, insecureReportOnly } = tenant;
  assertConfiguration(
    typeof tenantOf === 'function' &&
      typeof expected === 'function' &&
      (insecureReportOnly === undefined || typeof insecureReportOnly === 'function'),
    `${NAME}: tenant must be { tenantOf: (object) => object.tenantId }, with functions alone.`,
  );
  return { tenantOf, expected, insecureReportOnly };
}

function unreleased({ reason, where }: Unreleasable, operation: string): BodyOutcome {
  return reason === 'tenant'
    ? {
        ok: false,
        denial: fault('tenant.leak', `${operation}: the object at ${where} is another tenant's`),
      }
    : {
        ok: false,
        denial: fault('release.unfilterable', `${operation}: ${where} is not of the shape`),
      };
}
