import type { DenialKind } from '@apisec/core';
import { graphqlCode, grpcCode, httpStatus } from '@apisec/core/host';
import { describe, expect, test } from 'vitest';
import { LIMIT } from './api.ts';
import { callerOf } from './caller.ts';
import { COST_HEADER, QUOTA } from './limit-policies.ts';
import type { Observed, Protocol, Subject } from './subject.ts';
import type { Running } from './suite.ts';

/** A denial, and what must be told of it whatever the protocol. */
interface Told {
  readonly policy: string;
  readonly provoke: (running: Running) => Promise<Observed>;
  readonly kind: DenialKind;
  readonly code: string;
  /** The problem type, by its name in the registry of IANA. */
  readonly type: string;
  readonly violated?: readonly string[];
  readonly waits: boolean;
}

const exceeded = { kind: 'rate_limited', type: 'quota-exceeded', waits: true } as const;

const told: readonly Told[] = [
  {
    policy: 'rateLimit',
    provoke: overLimit,
    ...exceeded,
    code: 'limit.exceeded',
    violated: ['default'],
  },
  {
    policy: 'limitQuota',
    provoke: overQuota,
    ...exceeded,
    code: 'api_key.quota_exceeded',
    violated: [QUOTA],
  },
  {
    policy: 'limitQuota, for a cost above the quota',
    provoke: (running) => metered(running, 2),
    ...exceeded,
    kind: 'too_large',
    code: 'limit.cost_too_high',
    violated: [QUOTA],
    waits: false,
  },
  {
    policy: 'concurrencyLimit',
    provoke: (running) => besides(running, 'concurrent'),
    ...exceeded,
    code: 'limit.concurrency',
    violated: ['concurrent'],
  },
  {
    policy: 'shedLoad',
    provoke: (running) => besides(running, 'crowded'),
    kind: 'unavailable',
    code: 'load.shed',
    type: 'temporary-reduced-capacity',
    waits: true,
  },
];

/** How each protocol says it. */
const manners: Readonly<Record<Protocol, (denial: Told) => object>> = {
  http: ({ kind, code, type, violated }) => ({
    status: httpStatus[kind],
    denial: {
      detail: expect.any(String),
      type: `https://iana.org/assignments/http-problem-types#${type}`,
      title: titles[httpStatus[kind]],
      status: httpStatus[kind],
      code,
      requestId: expect.any(String),
      'violated-policies': violated,
    },
  }),
  graphql: ({ kind, code, violated, waits }) => ({
    status: httpStatus[kind],
    denial: {
      message: expect.any(String),
      extensions: {
        code: graphqlCode[kind],
        reason: code,
        retryAfter: waits ? expect.any(Number) : undefined,
        'violated-policies': violated,
      },
    },
  }),
  grpc: ({ kind, code, violated, waits }) => ({
    status: grpcCode[kind],
    denial: {
      code: grpcCode[kind],
      message: expect.any(String),
      details: {
        ErrorInfo: { reason: code, domain: 'apisec' },
        RetryInfo: waits ? { retry_delay: expect.any(Object) } : undefined,
        QuotaFailure: violated && { violations: violated.map((subject) => ({ subject })) },
      },
    },
  }),
};

const titles: Readonly<Record<number, string>> = {
  413: 'Content Too Large',
  429: 'Too Many Requests',
  503: 'Service Unavailable',
};

/** What callers are told who are over a limit, exactly, on the wire of each protocol. */
export function describeDenials({ protocol }: Subject, get: () => Running): void {
  describe('callers are informed in the manner of the protocol', () => {
    test.each(told)('by $policy', async (denial) => {
      const running = get();
      const observed = await denial.provoke(running);
      const { status, denial: shown } = observed;
      // Exactly: whatever else is in it would be more than callers need to know.
      expect({ status, denial: shown }).toEqual(manners[protocol](denial));
      if (denial.waits) expectRetry(observed);
      else expect(observed.header('retry-after')).toBeUndefined();
    });

    test('how much is left of a limit that is used up', async () => {
      const observed = await overLimit(get());
      expect(observed.header('ratelimit-policy')).toMatch(/^"default";q=3;w=\d+$/);
      const wait = observed.header('retry-after');
      expect(observed.header('ratelimit')).toBe(`"default";r=0;t=${wait}`);
    });

    test('when the quota of an API key starts again', async () => {
      // The clock of quotas stands at noon.
      expect(await overQuota(get())).toMatchObject({ retryAfter: 12 * 3_600 });
    });
  });
}

/** The caller is told when to come again, by the protocol's own means and by the field of HTTP. */
export function expectRetry({ retryAfter = 0, header }: Observed): void {
  expect(retryAfter).toBeGreaterThan(0);
  expect(header('retry-after')).toBe(String(Math.max(1, Math.ceil(retryAfter))));
}

/** The first call above a rate. */
async function overLimit(running: Running): Promise<Observed> {
  const { call } = await callerOf(running, 'limited');
  for (let before = 0; before < LIMIT; before++) expect((await call()).allowed).toBe(true);
  return call();
}

/** The second call with a key that has a quota of one. */
async function overQuota(running: Running): Promise<Observed> {
  const key = await running.credentials.apiKey();
  const first = await metered(running, 1, key);
  expect(first.allowed, first.text).toBe(true);
  return metered(running, 1, key);
}

async function metered(
  { client, credentials }: Running,
  cost: number,
  key?: string,
): Promise<Observed> {
  return client.call({
    operation: 'metered',
    message: { amount: 1 },
    headers: [
      ['x-api-key', key ?? (await credentials.apiKey())],
      [COST_HEADER, String(cost)],
    ],
  });
}

/** A call besides one that runs, where only one may. */
async function besides(running: Running, operation: string): Promise<Observed> {
  const { call } = await callerOf(running, operation);
  const id = crypto.randomUUID();
  const pause = running.api.pause('handler', id);
  const first = call({}, id);
  try {
    await pause.reached;
    return await call();
  } finally {
    pause.end();
    await first;
  }
}
