import { describe, expect, test } from 'vitest';
import { secretOf } from '../../test/secrets.ts';
import { detectEnumeration } from '../abuse/detect-enumeration.ts';
import { requireStep } from '../abuse/require-step.ts';
import { stepTokens } from '../abuse/step-tokens.ts';
import { throttleFailures } from '../abuse/throttle-failures.ts';
import { authorizerRelation } from '../authorization/authorizer-relation.ts';
import { authzenAuthorizer } from '../authorization/authzen-authorizer.ts';
import { field } from '../authorization/field.ts';
import { loadObject } from '../authorization/load-object.ts';
import { loadRoles } from '../authorization/load-roles.ts';
import { memoryRoleStore } from '../authorization/memory-role-store.ts';
import { plan } from '../authorization/plan.ts';
import { relation } from '../authorization/relation.ts';
import { require } from '../authorization/require.ts';
import { resource } from '../authorization/resource.ts';
import { rule } from '../authorization/rule.ts';
import { sharedFolders } from '../authorization/shared-folders.ts';
import { filterOutput } from '../data/filter-output.ts';
import { limitPage } from '../data/limit-page.ts';
import type { CallFacts, Principal } from '../engine/facts.ts';
import type { Outcome } from '../engine/outcome.ts';
import { concurrencyLimit } from '../limits/concurrency-limit.ts';
import { rateLimit } from '../limits/rate-limit.ts';
import { slidingWindow } from '../limits/sliding-window.ts';

// The same person acts in two tenants: whatever is kept of the one call must not serve the other.
const principal: Principal = {
  id: 'i|alice',
  subject: 'alice',
  issuer: 'i',
  scopes: new Set(),
  roles: new Set(),
};
const inTenant = (tenant: string) =>
  ({
    call: { protocol: 'http', operation: 'GET /documents' },
    peer: { address: '192.0.2.1', id: '192.0.2.1' },
    principal,
    tenant,
  }) satisfies CallFacts & { principal: Principal; tenant: string };
type Facts = ReturnType<typeof inTenant>;
const get = (url = '/documents', headers: Record<string, string> = {}) => ({
  method: 'GET',
  url,
  headers: new Headers(headers),
});
const codeOf = (outcome: Outcome<object>) => (outcome.ok ? 'passed' : outcome.denial.code);

const document = resource({
  name: 'document',
  fields: { id: field.text(), tenantId: field.text() },
  id: 'id',
  tenant: { field: 'tenantId', of: ({ tenant }: { tenant: string }) => tenant },
});
const once = slidingWindow({ limit: 1, window: '1h' });
const by = (facts: Facts) => facts.principal.id;

describe('what is counted in one tenant is not counted in another', () => {
  test.each<[string, (facts: Facts) => unknown]>([
    ['rateLimit by caller', run(rateLimit({ limit: once, by }))],
    ['rateLimit of everyone', run(rateLimit({ limit: once, by: 'everyone' }))],
    ['concurrencyLimit', run(concurrencyLimit({ limit: 1, by }))],
    ['concurrencyLimit of everyone', run(concurrencyLimit({ limit: 1, by: 'everyone' }))],
    [
      'detectEnumeration',
      (() => {
        let object = 0;
        return run(
          detectEnumeration({
            limit: 1,
            window: '1h',
            by,
            object: () => String(object++),
          }),
        );
      })(),
    ],
  ])('%s', async (name, ask) => {
    const tries = name === 'detectEnumeration' ? 2 : 1;
    for (let each = 0; each < tries; each++) await ask(inTenant('acme'));
    expect(await ask(inTenant('acme')), 'the limit is there').not.toBe('passed');
    expect(await ask(inTenant('globex'))).toBe('passed');
  });

  test('throttleFailures', async () => {
    const policy = throttleFailures({
      account: () => 'alice',
      perAccount: { free: 1, delay: '10m', maxDelay: '10m' },
      perPeer: 'none',
    });
    const fail = async (tenant: string) => {
      const outcome = await policy.check({ ...get(), method: 'POST' }, inTenant(tenant));
      if (!outcome.ok) return outcome.denial.code;
      outcome.facts?.attempt.tell('failed');
      for (const each of [outcome.obligations ?? []].flat() as readonly {
        onComplete?: (c: never) => unknown;
      }[]) {
        await each.onComplete?.({ outcome: 'completed' } as never);
      }
      return 'passed';
    };
    await fail('acme');
    await fail('acme');
    expect(await fail('acme')).toBe('failures.throttled');
    expect(await fail('globex')).toBe('passed');
  });

  test('a limit over all tenants is one that says so', async () => {
    const ask = run(rateLimit({ limit: once, by: 'everyone', acrossTenants: true }));
    expect(await ask(inTenant('acme'))).toBe('passed');
    expect(await ask(inTenant('globex'))).toBe('limit.exceeded');
  });
});

function run(policy: { check: (request: ReturnType<typeof get>, facts: never) => unknown }) {
  return async (facts: Facts) =>
    codeOf((await policy.check(get(), facts as never)) as Outcome<object>);
}

describe('what was made in one tenant does not open another', () => {
  test('a cursor', async () => {
    const policy = limitPage({
      size: { max: 10 },
      cursors: { secrets: [secretOf(7)], caller: by },
    });
    const first = await policy.check(get(), inTenant('acme'));
    const cursor = first.ok ? await first.facts?.page.next(['7']) : undefined;
    const use = async (tenant: string) =>
      codeOf(await policy.check(get(`/documents?cursor=${cursor}`), inTenant(tenant)));
    expect(await use('acme')).toBe('passed');
    expect(await use('globex')).toBe('page.cursor_invalid');
  });

  test('the token of a step', async () => {
    const tokens = stepTokens({
      flow: 'checkout',
      steps: ['cart', 'payment'],
      secrets: [secretOf(7)],
    });
    const policy = requireStep({ tokens, after: 'cart', by });
    const use = async (token: string, tenant: string) =>
      codeOf(await policy.check(get('/', { 'x-step-token': token }), inTenant(tenant)));
    expect(await use(await tokens.issue('cart', principal.id, 'acme'), 'globex')).toBe(
      'step.denied',
    );
    expect(await use(await tokens.issue('cart', principal.id), 'globex')).toBe('step.denied');
    expect(await use(await tokens.issue('cart', principal.id, 'globex'), 'globex')).toBe('passed');
    // No two of name and tenant are taken for others.
    expect(await use(await tokens.issue('cart', `${principal.id}","globex`), 'globex')).toBe(
      'step.denied',
    );
  });

  test('a role', async () => {
    const store = memoryRoleStore();
    store.assign({ principal: principal.id, tenant: 'acme', role: 'admin' });
    const policy = loadRoles<Facts>({ store, tenant: ({ tenant }) => tenant });
    const rolesIn = async (tenant: string) => {
      const outcome = await policy.check(get(), inTenant(tenant));
      return outcome.ok ? [...(outcome.facts?.assignedRoles.roles ?? [])] : [];
    };
    expect(await rolesIn('acme')).toEqual(['admin']);
    expect(await rolesIn('globex')).toEqual([]);
  });
});

describe('objects with the same id in both tenants', () => {
  const rows = [
    { id: '1', tenantId: 'acme' },
    { id: '1', tenantId: 'globex' },
    { id: '2', tenantId: 'globex' },
  ];
  const load = async (
    tenant: string,
    id: string,
    loads: (ids: readonly string[], of?: string) => readonly object[],
  ) => {
    const policy = loadObject(document, { id: () => id, loadMany: loads as never });
    const outcome = await policy.check(get(), inTenant(tenant));
    return outcome.ok
      ? (outcome.facts as { document: (typeof rows)[number] }).document.tenantId
      : outcome.denial.code;
  };

  test('are loaded for each tenant by itself, though all in one turn', async () => {
    const asked: unknown[] = [];
    const policy = loadObject(document, {
      id: (request) => request.url.slice(1),
      loadMany: (ids: readonly (string | number)[], tenant) => {
        asked.push([tenant, ids]);
        return rows.filter((row) => row.tenantId === tenant && ids.includes(row.id));
      },
    });
    const calls: [string, string][] = [
      ['acme', '1'],
      ['globex', '1'],
      ['globex', '2'],
      ['acme', '2'],
      ['acme', '1'],
    ];
    const outcomes = await Promise.all(
      calls.map(async ([tenant, id]) => policy.check(get(`/${id}`), inTenant(tenant))),
    );
    expect(
      outcomes.map((outcome) =>
        outcome.ok ? outcome.facts?.document.tenantId : outcome.denial.code,
      ),
    ).toEqual(['acme', 'globex', 'globex', 'object.not_found', 'acme']);
    expect(asked).toEqual([
      ['acme', ['1', '2']],
      ['globex', ['1', '2']],
    ]);
  });

  test('are not those of others where the loader does not look at the tenant', async () => {
    expect(await load('acme', '2', () => rows)).toBe('object.not_found');
    expect(await load('acme', '1', () => rows.slice(1))).toBe('object.not_found');
  });

  test('are not loaded at all for a call without a tenant', async () => {
    expect(
      await load('', '1', () => {
        throw new Error('asked');
      }),
    ).toBe('object.not_found');
  });
});

describe('a relation to objects with the same id in both tenants', () => {
  const shares = [['acme', principal.id, '1']];
  const caller = rule.caller;
  const reads = relation('reads', {
    check: (subject: string, object: string, { tenant }) =>
      shares.some(([where, who, what]) => where === tenant && who === subject && what === object),
    list: (subject, { tenant }) =>
      shares.flatMap(([where, who, what]) =>
        where === tenant && who === subject && what !== undefined ? [what] : [],
      ),
  });
  const read = rule.related(reads, caller.id, document.id);
  const policy = require(read);
  const list = plan(read, document);

  test.each([
    ['acme', 'passed', 'some'],
    ['globex', 'rule.denied', 'none'],
  ])('holds in its own tenant: %s', async (tenant, code, kind) => {
    const facts = { ...inTenant(tenant), document: { id: '1', tenantId: tenant } };
    expect(codeOf(await policy.check(get(), facts))).toBe(code);
    expect((await list(inTenant(tenant))).kind).toBe(kind);
  });

  test('is asked of a decision point with the tenant, and its answers are kept by tenant', async () => {
    const asked: unknown[] = [];
    const pdp = authzenAuthorizer({
      url: 'https://pdp.example.com',
      cache: { ttl: '1m' },
      fetch: async (_url: unknown, init?: { body?: unknown }) => {
        const question = JSON.parse(String(init?.body)) as { context?: { tenant?: string } };
        asked.push(question.context);
        return Response.json({ decision: question.context?.tenant === 'acme' });
      },
    } as never);
    const remote = require(
      rule.related(
        relation(
          'reads',
          authorizerRelation(pdp, { subject: 'user', action: 'read', resource: 'document' }),
        ),
        caller.id,
        document.id,
      ),
    );
    const ask = async (tenant: string) =>
      codeOf(
        await remote.check(get(), { ...inTenant(tenant), document: { id: '1', tenantId: tenant } }),
      );
    expect([await ask('acme'), await ask('globex'), await ask('acme')]).toEqual([
      'passed',
      'rule.denied',
      'passed',
    ]);
    expect(asked).toEqual([{ tenant: 'acme' }, { tenant: 'globex' }]);
  });
});

describe('a shared folder with the same id in both tenants', () => {
  // In acme the folder below is shared by way of the one above; in globex neither is, and they lie otherwise.
  const shares = [['acme', principal.id, 'above']];
  const lies = [
    ['acme', 'below', 'above'],
    ['globex', 'below', 'elsewhere'],
  ];
  const folders = relation(
    'folders',
    sharedFolders({
      isShared: (subject: string, folder, { tenant }) =>
        shares.some((each) => each.join() === [tenant, subject, folder].join()),
      sharedWith: (subject, { tenant }) =>
        shares.flatMap(([where, who, folder = '']) =>
          where === tenant && who === subject ? [folder] : [],
        ),
      parentOf: (folder, { tenant }) =>
        lies.find(([where, inner]) => where === tenant && inner === folder)?.[2],
      childrenOf: (parents, { tenant }) =>
        lies.flatMap(([where, inner = '', outer = '']) =>
          where === tenant && parents.includes(outer) ? [inner] : [],
        ),
    }),
  );
  const read = rule.related(folders, rule.caller.id, document.id);
  const policy = require(read);
  const list = plan(read, document);

  test.each([
    ['acme', 'below', 'passed', 'some'],
    ['acme', 'above', 'passed', 'some'],
    ['globex', 'below', 'rule.denied', 'none'],
    ['globex', 'above', 'rule.denied', 'none'],
  ])('is shared in its own tenant alone: %s, %s', async (tenant, id, code, kind) => {
    const facts = { ...inTenant(tenant), document: { id, tenantId: tenant } };
    expect(codeOf(await policy.check(get(), facts))).toBe(code);
    expect((await list(inTenant(tenant))).kind).toBe(kind);
  });
});

test('an object of another tenant does not go out, whatever tenant the credential names', () => {
  const policy = filterOutput({
    shape: [{ id: 'value', tenantId: 'value' }],
    tenant: { tenantOf: ({ tenantId }) => tenantId },
  });
  const send = (payload: unknown) => {
    const facts = { ...inTenant('acme'), principal: { ...principal, tenant: 'globex' } };
    const outcome = policy.check(get(), facts);
    const [obligations] = outcome.ok ? [outcome.obligations ?? []].flat() : [];
    return obligations?.onRelease?.(payload);
  };
  expect(send([{ id: '1', tenantId: 'acme' }])).toMatchObject({ ok: true });
  expect(
    send([
      { id: '1', tenantId: 'acme' },
      { id: '2', tenantId: 'globex' },
    ]),
  ).toMatchObject({
    ok: false,
    denial: { kind: 'internal', code: 'tenant.leak' },
  });
});
