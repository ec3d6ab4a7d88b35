import {
  allowAnonymous,
  allowAuthenticated,
  authenticateJwt,
  type CounterStore,
  concurrencyLimit,
  definePolicy,
  guard,
  type HttpFacts,
  type LeaseStore,
  type LimitStore,
  optional,
  pass,
  rateLimit,
  shedLoad,
  slidingWindow,
  type TrustedIssuer,
  throttleFailures,
  tokenBucket,
} from '@apisec/core';

/** What may be changed while the server runs: calls a minute. */
export interface Settings {
  strangers: number;
  members: number;
  everyone: number;
}

export interface PolicyOptions {
  readonly trusted: TrustedIssuer;
  readonly settings: Readonly<Settings>;
  /** How busy the process is; from 1 on it has more to do than it can. */
  readonly pressure: () => number;
  /** Stores that processes share. Default: each policy counts in memory. */
  readonly stores?:
    | { readonly limits: LimitStore; readonly leases: LeaseStore; readonly failures: CounterStore }
    | undefined;
  /** Epoch milliseconds, for what is counted in memory. */
  readonly now?: (() => number) | undefined;
}

/** What a call of a report turned out to use; its handler writes it. */
export interface Usage {
  units: number | undefined;
}

/** Taken before a report is made, and about what one costs. */
const REPORT_UNITS = 50;

/** One guard for each route. */
export function limitsPolicy({ trusted, settings, pressure, stores, now }: PolicyOptions) {
  const jwt = authenticateJwt(trusted);

  // In front of all others: what is shed costs nothing.
  const base = guard<HttpFacts>().use(
    shedLoad({
      maxInFlight: 500,
      pressure,
      priority: (_request, { call }) => {
        if (call.operation === 'GET /health') return 'critical';
        return call.operation === 'GET /exports' ? 'low' : 'normal';
      },
    }),
  );

  const search = base
    .use(optional(jwt))
    .use(
      rateLimit({
        store: stores?.limits,
        now,
        // One step: unless both have room, neither is charged. `settings` are read for each call.
        limits: [
          {
            name: 'caller',
            limit: ({ principal }) => {
              if (principal?.roles.has('admin')) return 'unlimited';
              const limit = principal ? settings.members : settings.strangers;
              return slidingWindow({ limit, window: '1m' });
            },
            // Parts, so that nobody's name can be an address.
            by: ({ principal, peer }) => (principal ? ['user', principal.id] : peer.id),
          },
          {
            name: 'everyone',
            limit: () => slidingWindow({ limit: settings.everyone, window: '1m' }),
            by: 'everyone',
          },
        ],
      }),
    )
    .use(allowAnonymous());

  const metered = definePolicy({
    name: 'metered',
    role: 'check',
    check: () => pass<{ readonly usage: Usage }>({ usage: { units: undefined } }),
  });
  const reports = base
    .use(jwt)
    .use(metered)
    .use(
      rateLimit({
        store: stores?.limits,
        now,
        name: 'reports',
        limit: tokenBucket({ capacity: 100, refillPerSecond: 1 }),
        by: ({ principal }) => principal.id,
        unit: 'rows',
        cost: REPORT_UNITS,
        // Asked when the call has ended: nothing for what failed, else what the handler wrote down. Who hangs up
        // pays, or it would be a way not to.
        reconcile: ({ outcome, facts }, reserved) => {
          if (outcome === 'failed' || outcome === 'denied') return 0;
          // `metered` put it there.
          return (facts['usage'] as Usage).units ?? reserved;
        },
      }),
    )
    .use(allowAuthenticated());

  const exports = base
    .use(jwt)
    .use(
      concurrencyLimit({
        store: stores?.leases,
        now,
        name: 'exports',
        limit: 2,
        by: ({ principal }) => principal.id,
        // Longer than any export takes.
        ttl: '10m',
      }),
    )
    .use(allowAuthenticated());

  const login = base
    .use(
      throttleFailures({
        store: stores?.failures,
        now,
        name: 'login',
        accountInBody: (body) => (body as { readonly email?: string } | undefined)?.email,
      }),
    )
    .use(allowAnonymous());

  return { search, reports, exports, login, health: base.use(allowAnonymous()) };
}
