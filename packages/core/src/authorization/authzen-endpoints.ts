import { isOlder } from '../lib/clock.ts';
import { type BoundedFetch, urlProblem } from '../lib/fetch-json.ts';
import { parseUrl } from '../lib/parse-url.ts';
import { member, parseStrictObject } from '../lib/strict-json.ts';

/** Where a decision point is asked; undefined for what it does not offer. */
export interface AuthzenEndpoints {
  readonly evaluation: string;
  readonly evaluations: string | undefined;
  readonly searchResources: string | undefined;
}

/** The paths that AuthZEN 1.0 §10.1 gives where nobody says others. */
export function usualEndpoints(base: string): AuthzenEndpoints {
  return {
    evaluation: `${base}/access/v1/evaluation`,
    evaluations: `${base}/access/v1/evaluations`,
    searchResources: `${base}/access/v1/search/resource`,
  };
}

/** How {@link discoveredEndpoints} reads the metadata. */
export interface DiscoveryOptions {
  /** The URL of the decision point, without a slash at its end. */
  readonly base: string;
  readonly fetch: BoundedFetch;
  readonly insecureLoopback: boolean;
  readonly now: () => number;
}

const KEPT_MS = 600_000;
const RETRY_MS = 30_000;

/**
 * Reads where the endpoints are from the metadata of the decision point (AuthZEN 1.0 §9), once in ten minutes. The
 * metadata must name this decision point, and endpoints of its origin: what is asked goes with credentials. Calls of
 * one moment may each read them: on edge runtimes, work that another call has begun may never end.
 */
export function discoveredEndpoints(
  where: string,
  { base, fetch, insecureLoopback, now }: DiscoveryOptions,
): () => Promise<AuthzenEndpoints> {
  const metadataUrl = wellKnown(base);
  let known:
    | { readonly endpoints: AuthzenEndpoints; readonly since: number; readonly keptMs: number }
    | undefined;
  const read = async (): Promise<AuthzenEndpoints> => {
    const { status, body } = await fetch(metadataUrl, { headers: { accept: 'application/json' } });
    const metadata = status === 200 && body ? parseStrictObject(body) : undefined;
    if (metadata === undefined) throw new Error(`${where}: ${metadataUrl} answered no metadata`);
    const named = member(metadata, 'policy_decision_point');
    if (typeof named !== 'string' || named.replace(/\/$/, '') !== base) {
      throw new Error(`${where}: ${metadataUrl} is about another decision point`);
    }
    const endpoint = (name: string): string | undefined => {
      const value = member(metadata, name);
      if (value === undefined) return undefined;
      const isOwn =
        typeof value === 'string' &&
        urlProblem(value, insecureLoopback) === undefined &&
        parseUrl(value)?.origin === parseUrl(base)?.origin;
      if (!isOwn) throw new Error(`${where}: ${name} is not a URL of the decision point`);
      return value;
    };
    const evaluation = endpoint('access_evaluation_endpoint');
    if (evaluation === undefined) throw new Error(`${where}: ${metadataUrl} names no evaluation`);
    return {
      evaluation,
      evaluations: endpoint('access_evaluations_endpoint'),
      searchResources: endpoint('search_resource_endpoint'),
    };
  };
  return async () => {
    const time = now();
    if (known !== undefined && !isOlder(known.since, known.keptMs, time)) return known.endpoints;
    const before = known?.endpoints;
    // Other calls use the known endpoints while this one asks again.
    if (before) known = { endpoints: before, since: time, keptMs: RETRY_MS };
    try {
      const endpoints = await read();
      known = { endpoints, since: now(), keptMs: KEPT_MS };
      return endpoints;
    } catch (cause) {
      // They belonged to the decision point, which still answers there or not at all.
      if (before) return before;
      throw cause;
    }
  };
}

/** Between host and path, as RFC 8615 has it. */
function wellKnown(base: string): string {
  const { origin, pathname } = new URL(base);
  return `${origin}/.well-known/authzen-configuration${pathname === '/' ? '' : pathname}`;
}
