import { type Deny, deny, type Outcome, pass, sharedDenial } from '../engine/outcome.ts';
import { definePolicy, type Policy, type SyncPolicy } from '../engine/policy.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { inTime } from '../lib/in-time.ts';
import { chain, type MaybePromise } from '../lib/maybe-promise.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { isTenantId, TENANT_ID, type TenantFacts } from './tenant-id.ts';
import type { TenantSource } from './tenant-sources.ts';

/** The facts that all of the sources need together. */
export type NeedsOfSources<S extends readonly TenantSource<never>[]> = (
  S[number] extends infer Each
    ? Each extends TenantSource<infer Needs>
      ? (needs: Needs) => void
      : never
    : never
) extends (needs: infer All) => void
  ? All & object
  : object;

/** Options of {@link resolveTenant}. */
export interface ResolveTenantOptions<S extends readonly TenantSource<never>[]> {
  /** Every place that may name the tenant. All are read, and all that name one must name the same. */
  readonly from: S;
  /**
   * The form of an id, for the whole of it. Default: 1 to 64 letters, digits, `.`, `_` and `-`, of which the first and
   * the last are letters or digits. More than 128 characters are denied whatever it says.
   */
  readonly pattern?: RegExp | undefined;
  /**
   * For calls with a host, path or header that only the caller vouches for: lets them through without any proof that
   * the caller belongs to the tenant. Right for pages that everybody may see.
   */
  readonly insecureUnproven?: boolean | undefined;
}

/** Options of {@link resolveTenant} for callers who act in several tenants. */
export interface ResolveMemberTenantOptions<
  S extends readonly TenantSource<never>[],
  Needs extends object,
> extends ResolveTenantOptions<S> {
  /**
   * Whether the caller may act in the tenant that the call names, where the credential names none: from a list in the
   * token, or from a store of members. Anything but `true` denies.
   */
  readonly mayActIn: (
    tenant: string,
    facts: Readonly<NeedsOfSources<S> & Needs>,
  ) => MaybePromise<boolean>;
  /** How long `mayActIn` may take. Default: `'1s'`. */
  readonly timeout?: Duration | undefined;
}

/**
 * Finds the tenant of a call and adds it as the fact `tenant`: from the credential, and from the host, path or header,
 * which are compared with it. Whoever proves one tenant and names another is denied. A tenant that only the caller
 * names is taken where `mayActIn` says so. Limits, abuse checks, audit and telemetry keep tenants apart by this fact
 * from then on, so put it before them.
 *
 * Denies with `tenant.conflict` (403) where two sources disagree; `tenant.malformed` (400) for an id of another type or
 * form, and for names like `constructor`; `tenant.missing` (403) where nothing names a tenant; `tenant.unproven` (403)
 * where only the caller does; `tenant.not_allowed` (403) where `mayActIn` does not answer `true`, and
 * `tenant.unavailable` (503) where it fails or takes too long.
 *
 * @throws ConfigurationError without sources, and if no source proves anything and neither `mayActIn` nor
 * `insecureUnproven` is set.
 * @example
 * const tenantApi = guard<HttpFacts>()
 *   .use(authenticateJwt({ issuer, audience, tenant: { claim: 'org_id' } }))
 *   .use(resolveTenant({ from: [tenantFrom.principal(), tenantFrom.path('tenant')] }))
 *   .use(requireTenant({ store: tenants }));
 */
export function resolveTenant<const S extends readonly TenantSource<never>[]>(
  options: ResolveTenantOptions<S> & { readonly mayActIn?: undefined },
): SyncPolicy<NeedsOfSources<S>, TenantFacts, 'check'>;
export function resolveTenant<
  const S extends readonly TenantSource<never>[],
  Needs extends object = object,
>(
  options: ResolveMemberTenantOptions<S, Needs>,
): Policy<NeedsOfSources<S> & Needs, TenantFacts, 'check'>;
export function resolveTenant(
  options: Omit<ResolveTenantOptions<readonly TenantSource<never>[]>, 'mayActIn'> & {
    readonly mayActIn?: ((tenant: string, facts: never) => MaybePromise<boolean>) | undefined;
    readonly timeout?: Duration | undefined;
  },
): Policy<never, TenantFacts, 'check'> {
  const where = 'resolveTenant';
  assertKnownOptions(where, options, [
    'from',
    'pattern',
    'insecureUnproven',
    'mayActIn',
    'timeout',
  ]);
  const { from, pattern = TENANT_ID, mayActIn, insecureUnproven = false } = options;
  assertConfiguration(
    Array.isArray(from) && from.length > 0 && from.every(isSource),
    `${where}: from must be a list of sources: from: [tenantFrom.principal(), tenantFrom.path('tenant')].`,
  );
  assertConfiguration(
    pattern instanceof RegExp,
    `${where}: pattern must be a regular expression for the whole id.`,
  );
  assertConfiguration(
    mayActIn === undefined || typeof mayActIn === 'function',
    `${where}: mayActIn must be a function of the tenant and the facts.`,
  );
  assertConfiguration(
    typeof insecureUnproven === 'boolean' && !(insecureUnproven && mayActIn !== undefined),
    `${where}: insecureUnproven must be true or false, and left out with mayActIn.`,
  );
  assertConfiguration(
    mayActIn !== undefined || insecureUnproven || from.some(({ proven }) => proven),
    `${where}: no source proves that the caller belongs to the tenant. Add tenantFrom.principal(), mayActIn, or ` +
      'insecureUnproven: true for what everybody may see.',
  );
  assertConfiguration(
    mayActIn !== undefined || options.timeout === undefined,
    `${where}: timeout bounds mayActIn; leave it out without one.`,
  );
  const timeoutMs = durationMs(where, 'timeout', options.timeout ?? '1s', { max: '1m' });
  const form = new RegExp(`^(?:${pattern.source})$`, pattern.flags.replace(/[gmy]/g, ''));
  const sources = Object.freeze([...from]);

  return definePolicy<never, TenantFacts, 'check'>({
    name: where,
    role: 'check',
    needs: [...new Set(sources.flatMap(({ needs = [] }) => needs))],
    adds: ['tenant'],
    check: (request, facts): MaybePromise<Outcome<TenantFacts>> => {
      let tenant: string | undefined;
      let isProven = false;
      let first = '';
      for (const { name, proven, read } of sources) {
        const named = read(request, facts);
        if (named === undefined || named === null) continue;
        if (!isTenantId(named, form)) return malformed(name);
        if (tenant !== undefined && tenant !== named) return conflict(first, tenant, name, named);
        if (tenant === undefined) first = name;
        tenant = named;
        isProven ||= proven;
      }
      if (tenant === undefined) return MISSING;
      if (isProven || insecureUnproven) return pass({ tenant });
      if (mayActIn === undefined) return UNPROVEN;
      const asked = tenant;
      return chain<unknown, Outcome<TenantFacts>>(
        () => inTime(() => mayActIn(asked, facts), timeoutMs),
        (answer) => (answer === true ? pass({ tenant: asked }) : NOT_ALLOWED),
        (cause) => deny('unavailable', 'tenant.unavailable', { retryAfterMs: 1_000, cause }),
      );
    },
  });
}

function isSource(source: unknown): boolean {
  const { name, proven, read } = (source ?? {}) as Partial<TenantSource<never>>;
  return typeof name === 'string' && typeof proven === 'boolean' && typeof read === 'function';
}

function malformed(source: string): Deny {
  return deny('malformed', 'tenant.malformed', {
    detail: 'The tenant that the call names is not well formed.',
    cause: `what names the tenant in the ${source} is not a well-formed id`,
  });
}

function conflict(first: string, tenant: string, second: string, other: string): Deny {
  return deny('forbidden', 'tenant.conflict', {
    detail: 'The call names two tenants.',
    cause: `the ${first} says ${JSON.stringify(tenant)}, the ${second} ${JSON.stringify(other)}`,
  });
}

const MISSING = sharedDenial({
  kind: 'forbidden',
  code: 'tenant.missing',
  detail: 'The call names no tenant.',
  cause:
    'none of the sources in from names one; a claim needs authenticateJwt({ tenant: { claim } })',
});
const UNPROVEN = sharedDenial({
  kind: 'forbidden',
  code: 'tenant.unproven',
  detail: 'The credential of the caller belongs to no tenant.',
  cause: 'only host, path or header name a tenant; the credential must, or say mayActIn',
});
const NOT_ALLOWED = sharedDenial({
  kind: 'forbidden',
  code: 'tenant.not_allowed',
  detail: 'The caller may not act in this tenant.',
});
