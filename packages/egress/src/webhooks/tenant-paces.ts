/** From then on an attempt is slow, whether it ends or not. */
export const SLOW_MS = 1_000;
/** How much the latest attempt says against those before it. */
const WEIGHT = 1 / 4;
/** The ones of whom nothing was heard for longest are forgotten. */
const MOST_TENANTS = 1_000;

/** Who answers quickly at present, and who does not. A tenant of whom nothing is known is in neither. */
export interface Paces {
  readonly slow: ReadonlySet<string>;
  readonly quick: ReadonlySet<string>;
}

/** Learns how quickly tenants answer. */
export interface TenantPaces {
  /** Watches how long an attempt takes. */
  readonly watch: <Result>(tenant: string, attempt: Promise<Result>) => Promise<Result>;
  readonly paces: Paces;
}

export function tenantPaces(): TenantPaces {
  /** From 0, all of the latest attempts were quick, to 1. */
  const shares = new Map<string, number>();
  const slow = new Set<string>();
  const quick = new Set<string>();

  const forget = (tenant: string): void => {
    shares.delete(tenant);
    slow.delete(tenant);
    quick.delete(tenant);
  };
  const learn = (tenant: string, latest: 0 | 1): void => {
    const known = shares.get(tenant) ?? latest;
    const share = known + (latest - known) * WEIGHT;
    forget(tenant);
    shares.set(tenant, share);
    (share > 1 / 2 ? slow : quick).add(tenant);
    if (shares.size > MOST_TENANTS) {
      const [oldest = tenant] = shares.keys();
      forget(oldest);
    }
  };

  return {
    paces: { slow, quick },
    watch: async (tenant, attempt) => {
      let isSlow = false;
      const timer = setTimeout(() => {
        isSlow = true;
        learn(tenant, 1);
      }, SLOW_MS);
      try {
        return await attempt;
      } finally {
        clearTimeout(timer);
        if (!isSlow) learn(tenant, 0);
      }
    },
  };
}
