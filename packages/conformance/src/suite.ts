import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createApi, ORIGIN, type SuiteApi } from './api.ts';
import type { Case, Expectation } from './case.ts';
import { abuseCases } from './cases/abuse.ts';
import { authorizationCases } from './cases/authorization.ts';
import {
  bodyCases,
  faultCases,
  forbiddenText,
  grantCases,
  limitCases,
  originCases,
} from './cases/decisions.ts';
import { objectCases } from './cases/objects.ts';
import { pageCases } from './cases/pages.ts';
import { proofCases } from './cases/proofs.ts';
import { tenantCases } from './cases/tenants.ts';
import { tokenCases } from './cases/tokens.ts';
import { graphqlClient } from './clients/graphql.ts';
import { httpClient } from './clients/http.ts';
import { type Credentials, createCredentials } from './credentials.ts';
import { describeDenials, expectRetry } from './denials.ts';
import { CASE_HEADER } from './limit-policies.ts';
import { describeLimits } from './limits.ts';
import { describeMediaTypes } from './media-types.ts';
import { describePages } from './pages.ts';
import { describePriorities } from './priorities.ts';
import { describeProblems } from './problems.ts';
import { describeRecords } from './records.ts';
import { describeRequests, requestCases } from './requests.ts';
import { describeStreams } from './streams.ts';
import type { Capability, Client, Observed, Served, Subject } from './subject.ts';

const groups: Readonly<Record<string, readonly Case[]>> = {
  tokens: tokenCases,
  proofs: proofCases,
  grants: grantCases,
  limits: limitCases,
  abuse: abuseCases,
  tenants: tenantCases,
  objects: objectCases,
  pages: pageCases,
  authorization: authorizationCases,
  faults: faultCases,
  bodies: bodyCases,
  origins: originCases,
};

const ALL: readonly Capability[] = [
  'preflight',
  'query',
  'raw-output',
  'streams',
  'headers',
  'repeated-fields',
  'bodies',
  'statuses',
  'departures',
  'absences',
];

/** Everything a case needs at run time. */
export interface Running {
  readonly api: SuiteApi;
  readonly client: Client;
  readonly served: Served;
  readonly credentials: Credentials;
}

/**
 * Runs the whole suite against one adapter. Every case states the decision; it must be the same on all
 * transports, seen from the server (the completion) and from the caller (the rendering).
 */
export function describeConformance(subject: Subject): void {
  describe(`conformance: ${subject.name}`, () => {
    let running: Running | undefined;
    const get = (): Running => {
      if (running === undefined) throw new Error('The subject did not start.');
      return running;
    };
    beforeAll(async () => {
      const credentials = await createCredentials();
      const api = createApi(credentials, subject.protocol);
      const served = await subject.start(api);
      running = { api, served, credentials, client: await connect(subject, served, api) };
    });
    afterAll(async () => {
      running?.client.close();
      await running?.served.close();
    });

    test.each(ALL)('has the capability %s, or says why not', (capability) => {
      const reason = subject.gaps?.[capability] ?? '';
      expect(subject.capabilities.includes(capability)).toBe(reason === '');
    });
    for (const [group, cases] of Object.entries(groups)) {
      describe(group, () => {
        const able = cases.filter(({ needs }) => !needs || subject.capabilities.includes(needs));
        test.each(able)('$name', async (spec) => run(get(), spec));
      });
    }
    describe('races', () => {
      test('lets through exactly as many concurrent calls as the limit allows', async () => {
        await race(get());
      });
      test('lets through exactly one of many concurrent calls with the same proof', async () => {
        await raceProofs(get());
      });
    });
    if (subject.protocol === 'http') {
      describe('media types', () => describeMediaTypes(get));
      describe('problems', () => describeProblems(get));
      describePages(get);
      describeRecords(get);
      describe('requests', () => {
        test.each(requestCases)('$name', async (spec) => run(get(), spec));
        describeRequests(get);
      });
    }
    describeLimits(subject, get);
    describePriorities(get);
    describeDenials(subject, get);
    if (subject.capabilities.includes('headers')) describeHeaders(get);
    if (subject.capabilities.includes('streams')) {
      describeStreams(get);
      // Loaded where it is needed: other subjects run where there is no gRPC.
      describe('open streams', async () => {
        const { describeOpenStreams } = await import('./open-streams.ts');
        describeOpenStreams(get);
      });
    }
  });
}

async function connect({ protocol }: Subject, served: Served, api: SuiteApi): Promise<Client> {
  if (protocol === 'http') return httpClient(served);
  if (protocol === 'graphql') return graphqlClient(served);
  if (served.port === undefined) throw new Error('A gRPC subject listens on a port.');
  const { grpcClient } = await import('./clients/grpc.ts');
  return grpcClient(
    served.port,
    api.operations.map((operation) => operation.name),
  );
}

async function run({ api, client, credentials }: Running, spec: Case): Promise<void> {
  const id = crypto.randomUUID();
  const call = async (caseId: string): Promise<Observed> => {
    const authorization = [(await spec.authorization?.(credentials)) ?? []].flat();
    const request = {
      operation: spec.operation,
      message: spec.message,
      ...(spec.body && { body: spec.body }),
      ...(spec.method && { method: spec.method }),
    };
    const [, token = ''] = authorization[0]?.split(' ') ?? [];
    const proof = (await spec.proof?.(credentials, token, client.target(request))) ?? [];
    return client.call({
      ...request,
      headers: [
        [CASE_HEADER, caseId],
        ...authorization.map((value) => ['authorization', value] as const),
        ...[proof].flat().map((value) => ['dpop', value] as const),
        ...(typeof spec.headers === 'function'
          ? await spec.headers(credentials)
          : (spec.headers ?? [])),
      ],
    });
  };
  for (let before = 0; before < (spec.after ?? 0); before++) await call(crypto.randomUUID());
  const observed = await call(id);

  expect(seen(observed), observed.text).toMatchObject(wanted(spec.expect));
  expectRendering(observed, spec.expect);
  const isListed = api.operations.some(
    (operation) => operation.name === spec.operation && operation.listed,
  );
  // Nothing of the suite runs for an operation that is not listed, so nothing records it.
  if (!isListed) return;
  await vi.waitFor(() => expect(api.ended(id).completion).toBeDefined(), { timeout: 10_000 });
  const { completion, handled } = api.ended(id);
  const { expect: goal } = spec;
  expect({
    handled,
    outcome: completion?.outcome,
    denial: completion?.denial && { kind: completion.denial.kind, code: completion.denial.code },
  }).toEqual({
    handled: goal.allowed || goal.handled === true,
    outcome: goal.allowed ? 'succeeded' : 'denied',
    denial: goal.allowed ? undefined : { kind: goal.kind, code: goal.code },
  });
}

function seen({ allowed, code, reply }: Observed): object {
  return { allowed, code, reply };
}

/** A preflight ends well for its caller: no body, so no code either. */
function wanted(goal: Expectation): object {
  if (goal.allowed) return { allowed: true, ...(goal.reply && { reply: goal.reply }) };
  return { allowed: false, code: goal.code === 'cors.preflight' ? undefined : goal.code };
}

function expectRendering(observed: Observed, goal: Expectation): void {
  const hidden = goal.allowed
    ? [...forbiddenText.filter((text) => text !== 's3cret'), ...(goal.hides ?? [])]
    : forbiddenText;
  for (const text of hidden) expect(observed.text).not.toContain(text);
  if (goal.allowed) return;
  if (goal.code === 'cors.preflight') {
    expect(observed.status).toBe(204);
    expect(observed.header('access-control-allow-origin')).toBe(ORIGIN);
    return;
  }
  expect(observed.kinds).toContain(goal.kind);
  const challenge = observed.header('www-authenticate');
  for (const part of goal.challenge ?? []) expect(challenge).toContain(part);
  if (goal.kind === 'unauthenticated') expect(challenge).toBeTruthy();
  if (goal.retryAfter) expectRetry(observed);
}

async function race({ client, credentials }: Running): Promise<void> {
  const token = await credentials.token({ claims: { sub: crypto.randomUUID() } });
  const calls = await Promise.all(
    Array.from({ length: 12 }, () =>
      client.call({ operation: 'limited', headers: [['authorization', `Bearer ${token}`]] }),
    ),
  );
  expect(calls.filter((call) => call.allowed)).toHaveLength(3);
  expect(calls.filter((call) => call.code === 'limit.exceeded')).toHaveLength(9);
}

async function raceProofs({ client, credentials }: Running): Promise<void> {
  const operation = 'dpop';
  const token = await credentials.token({ claims: { cnf: { jkt: credentials.jkt } } });
  const proof = await credentials.proof(token, client.target({ operation }));
  const headers = [
    ['authorization', `DPoP ${token}`],
    ['dpop', proof],
  ] as const;
  const calls = await Promise.all(
    Array.from({ length: 12 }, () => client.call({ operation, headers })),
  );
  expect(calls.filter((call) => call.allowed)).toHaveLength(1);
  expect(calls.filter((call) => call.code === 'dpop.replayed')).toHaveLength(11);
}

/** Security headers stand on allowed and on denied calls alike. */
function describeHeaders(get: () => Running): void {
  const required = [
    'x-content-type-options',
    'strict-transport-security',
    'content-security-policy',
  ];
  describe('headers', () => {
    test.each([
      ['an admitted call', 'list', true],
      ['a denied call', 'list', false],
      ['a call that a faulty policy denied', 'throwing', true],
      ['a call whose handler threw', 'handlerThrows', true],
      ['a call whose reply was held back', 'releaseThrows', true],
    ])('stand on %s', async (_name, operation, authorized) => {
      const { client, credentials } = get();
      const token = await credentials.token();
      const observed = await client.call({
        operation,
        headers: authorized ? [['authorization', `Bearer ${token}`]] : [],
      });
      for (const name of required) expect(observed.header(name), name).toBeTruthy();
      for (const text of forbiddenText) {
        if (text !== 's3cret' && operation !== 'handlerThrows') {
          expect(observed.text).not.toContain(text);
        }
      }
    });

    test('tell the trusted origin that it is trusted, and caches that it matters', async () => {
      const { client, credentials } = get();
      const authorization = `Bearer ${await credentials.token()}`;
      const observed = await client.call({
        operation: 'list',
        headers: [
          ['authorization', authorization],
          ['origin', ORIGIN],
        ],
      });
      expect(observed.header('access-control-allow-origin')).toBe(ORIGIN);
      expect(observed.header('vary')?.toLowerCase()).toContain('origin');
    });

    test('tell how much of a limit is left', async () => {
      const { client, credentials } = get();
      const authorization = `Bearer ${await credentials.token({ claims: { sub: 'header-reader' } })}`;
      const observed = await client.call({
        operation: 'limited',
        headers: [['authorization', authorization]],
      });
      expect(observed.header('ratelimit-policy')).toMatch(/q=3/);
      expect(observed.header('ratelimit')).toMatch(/r=2/);
    });
  });
}
