import type { AuthenticatedFacts, CallFacts, Principal } from '../engine/facts.ts';
import { pathOf, type RequestLike } from '../engine/request.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions } from '../lib/options.ts';

/** One place that may name the tenant of a call. Those of {@link tenantFrom}, or your own. */
export interface TenantSource<in Needs extends object> {
  /** What operators read where sources disagree. */
  readonly name: string;
  /**
   * True where the caller has proved it, as by a token or an API key. False for what callers write as they like: it
   * is compared with what is proved, and proves nothing.
   */
  readonly proven: boolean;
  /** Names of the facts that it reads. */
  readonly needs?: readonly string[] | undefined;
  /** The tenant. Undefined and null say nothing; whatever else is not a well-formed id denies the call. */
  readonly read: (request: RequestLike, facts: Readonly<Needs>) => unknown;
}

/** Options of `tenantFrom.host`. */
export interface TenantHostOptions {
  /** The domain whose subdomains are tenants: `api.example.com` reads `acme` from `acme.api.example.com`. */
  readonly under: string;
}

/** Denied by every pattern of ids: what should name a tenant and cannot be read. */
const UNREADABLE = '';

const HOST = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const LONGEST_HOST = 300;

/** Where the tenant of a call may be named. */
export const tenantFrom: {
  /** The tenant that the credential is bound to (`principal.tenant`): of a token, API key, certificate or session. */
  readonly principal: () => TenantSource<{ readonly principal: Principal }>;
  /**
   * A claim of the token, by its name or by the path to it: `claim('org_id')`, `claim(['org', 'id'])`. For lists of
   * tenants use `mayActIn`.
   */
  readonly claim: (path: string | readonly string[]) => TenantSource<AuthenticatedFacts>;
  /**
   * The one label before a name of yours. Ids in hosts are in lower case. Any other host is denied; the name
   * itself, and a call without `Host`, say nothing. `X-Forwarded-Host` is not read.
   */
  readonly host: (options: TenantHostOptions) => TenantSource<object>;
  /**
   * A parameter of the route: `path('tenant')` reads `/tenants/:tenant/orders`. Routes without it say nothing, and so
   * do GraphQL and gRPC; a path that its route does not match is denied, and so is one whose route has the parameter
   * twice or as a wildcard.
   */
  readonly path: (parameter: string) => TenantSource<CallFacts>;
  /** A request header, or an entry of gRPC metadata. One that is sent twice is denied. */
  readonly header: (name: string) => TenantSource<object>;
} = Object.freeze({
  principal: () =>
    Object.freeze<TenantSource<{ readonly principal: Principal }>>({
      name: 'principal',
      proven: true,
      needs: ['principal'],
      read: (_request, { principal }) => principal.tenant,
    }),
  claim: (path: string | readonly string[]) => {
    const names = typeof path === 'string' ? [path] : path;
    assertConfiguration(
      Array.isArray(names) &&
        names.length > 0 &&
        names.every((name) => typeof name === 'string' && name !== ''),
      "tenantFrom.claim: write the name of a claim or the path to it: claim('org_id'), claim(['org', 'id']).",
    );
    return Object.freeze<TenantSource<AuthenticatedFacts>>({
      name: `claim ${names.join('.')}`,
      proven: true,
      needs: ['authentication'],
      read: (_request, { authentication }) => claimAt(authentication.claims, names),
    });
  },
  host: (options: TenantHostOptions) => {
    assertKnownOptions('tenantFrom.host', options, ['under']);
    const { under } = options;
    assertConfiguration(
      typeof under === 'string' && HOST.test(under),
      "tenantFrom.host: under must be a host name in lower case: host({ under: 'api.example.com' }).",
    );
    return Object.freeze<TenantSource<object>>({
      name: 'host',
      proven: false,
      read: ({ headers }) => labelUnder(headers.get('host'), under),
    });
  },
  path: (parameter: string) => {
    assertConfiguration(
      typeof parameter === 'string' && /^\w+$/.test(parameter),
      "tenantFrom.path: write the name of a parameter of the route: path('tenant').",
    );
    // Also `:tenant(\\d+)`, `{:tenant}`, `*tenant` and `(?<tenant>…)`, which name the tenant and are not read here.
    const named = new RegExp(`[:*<]"?${parameter}(?!\\w)`);
    return Object.freeze<TenantSource<CallFacts>>({
      name: `path :${parameter}`,
      proven: false,
      needs: ['call'],
      read: (request, { call }) =>
        call.protocol === 'http'
          ? segmentAt(call.operation, request, `:${parameter}`, named)
          : undefined,
    });
  },
  header: (name: string) => {
    assertConfiguration(
      typeof name === 'string' && /^[A-Za-z0-9-]+$/.test(name),
      "tenantFrom.header: write the name of a header: header('x-tenant').",
    );
    return Object.freeze<TenantSource<object>>({
      name: `header ${name.toLowerCase()}`,
      proven: false,
      read: ({ headers }) => headers.get(name),
    });
  },
});

function claimAt(claims: unknown, names: readonly string[]): unknown {
  let value = claims;
  for (const name of names) {
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'object' || Array.isArray(value)) return UNREADABLE;
    if (!Object.hasOwn(value, name)) return undefined;
    // An object, as was found above.
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

function labelUnder(host: string | null | undefined, under: string): string | undefined {
  if (host === undefined || host === null) return undefined;
  if (host.length > LONGEST_HOST) return UNREADABLE;
  const name = host.toLowerCase().replace(/:\d{1,5}$/, '');
  if (name === under) return undefined;
  const label = name.slice(0, -under.length - 1);
  return name === `${label}.${under}` && !label.includes('.') ? label : UNREADABLE;
}

/**
 * What stands in the path where the route has `:parameter`. Only what is in front of it must fit: behind it there may
 * be wildcards.
 */
function segmentAt(
  operation: string,
  request: RequestLike,
  parameter: string,
  named: RegExp,
): string | undefined {
  const route = operation.slice(operation.indexOf(' ') + 1).split('/');
  const at = route.findIndex((segment) => named.test(segment));
  if (at < 0) return undefined;
  // Of two, as in routers within routers, handlers get the one or the other, as the framework likes.
  if (route.some((segment, each) => each > at && named.test(segment))) return UNREADABLE;
  const path = pathOf(request).split('/');
  for (let each = 0; each < at; each++) {
    const segment = route[each] as string;
    if (/^:\w+$/.test(segment)) continue;
    // A pattern, an optional part, a wildcard: what the router read is not known.
    if (/[:*(){}?]/.test(segment) || segment !== path[each]) return UNREADABLE;
  }
  if (route[at] !== parameter) return UNREADABLE;
  try {
    return decodeURIComponent(path[at] ?? UNREADABLE);
  } catch {
    return UNREADABLE;
  }
}
