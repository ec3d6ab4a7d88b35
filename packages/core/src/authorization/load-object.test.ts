import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HttpFacts, Principal } from '../engine/facts.ts';
import { guard } from '../engine/guard.ts';
import { pass } from '../engine/outcome.ts';
import { definePolicy } from '../engine/policy.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { field } from './field.ts';
import { loadObject } from './load-object.ts';
import { messageMember, pathParameter, queryParameter } from './object-ids.ts';
import { plan } from './plan.ts';
import { relation } from './relation.ts';
import { require as requireRule } from './require.ts';
import { requireOwner } from './require-owner.ts';
import { resource } from './resource.ts';
import { rule } from './rule.ts';
import { sharedFolders } from './shared-folders.ts';
import { toPredicate } from './to-predicate.ts';

const fields = {
  id: field.text(),
  tenantId: field.text(),
  ownerId: field.text({ nullable: true }),
  folderId: field.text({ nullable: true }),
};
const tenant = {
  field: 'tenantId' as const,
  of: ({ principal }: { principal: Principal }) => principal.tenant,
};
const document = resource({ name: 'document', fields, id: 'id', tenant });
const hidden = resource({ name: 'document', fields, id: 'id', tenant, forbidden: 'hidden' });

interface Row {
  readonly id: string;
  readonly tenantId: string;
  readonly ownerId: string | null;
  readonly folderId: string | null;
}
const table = new Map<string, Row>(
  [
    { id: 'd1', tenantId: 'acme', ownerId: 'issuer|alice', folderId: 'f1' },
    { id: 'd2', tenantId: 'acme', ownerId: 'issuer|bob', folderId: null },
    { id: 'd3', tenantId: 'globex', ownerId: 'issuer|alice', folderId: null },
    { id: 'd4', tenantId: 'acme', ownerId: null, folderId: null },
    { id: '__proto__', tenantId: 'acme', ownerId: 'issuer|bob', folderId: null },
  ].map((row) => [row.id, row]),
);

const principal: Principal = {
  id: 'issuer|alice',
  subject: 'alice',
  issuer: 'issuer',
  tenant: 'acme',
  scopes: new Set(),
  roles: new Set(),
};
const request = new Request('https://api.example.com/documents/d1');
const asked = (id: unknown) => ({ principal, sent: id });
const load = (id: string) => table.get(id);
const loadDocument = loadObject(document, { id: (_, { sent }: { sent: unknown }) => sent, load });

async function codeOf(
  policy: { check: (request: Request, facts: never) => unknown },
  facts: object,
): Promise<string> {
  // Each test hands over the facts that its policy needs.
  const outcome = (await policy.check(request, facts as never)) as {
    ok: boolean;
    denial?: { code: string };
  };
  return outcome.ok ? 'passed' : String(outcome.denial?.code);
}

describe('loadObject', () => {
  test('adds the object under the name of its resource', async () => {
    expect(await loadDocument.check(request, asked('d1'))).toEqual(
      pass({ document: table.get('d1') }),
    );
    expect(loadDocument.role).toBe('check');
    expect(loadDocument.adds).toEqual(['document']);
  });

  test.each<[string, unknown, string]>([
    ['an object that does not exist', 'd9', 'object.not_found'],
    // Covers: V8.2.2
    ['an object of another tenant', 'd3', 'object.not_found'],
    ['a name that every object has', 'constructor', 'object.not_found'],
    ['an object that is named like a prototype', '__proto__', 'passed'],
    ['nothing', undefined, 'object.id_malformed'],
    ['null', null, 'object.id_malformed'],
    ['the empty text', '', 'object.id_malformed'],
    ['a number where text is meant', 1, 'object.id_malformed'],
    ['a list of ids', ['d1'], 'object.id_malformed'],
    ['an object', { toString: () => 'd1' }, 'object.id_malformed'],
    ['a query operator', { $ne: null }, 'object.id_malformed'],
    ['half a surrogate pair', '\ud800', 'object.id_malformed'],
    ['a text with NUL', 'd1\0', 'object.id_malformed'],
    ['a text that is too long', 'd'.repeat(257), 'object.id_malformed'],
    ['a boolean', true, 'object.id_malformed'],
  ])('asked for %s answers %s', async (_name, id, expected) => {
    expect(await codeOf(loadDocument, asked(id))).toBe(expected);
  });

  test.each<[string, () => unknown, string]>([
    ['answers null', () => null, 'object.not_found'],
    ['answers another object', () => table.get('d2'), 'object.not_found'],
    [
      'answers the object in another case',
      () => ({ ...table.get('d1'), id: 'D1' }),
      'object.not_found',
    ],
    ['answers a list', () => [table.get('d1')], 'object.not_found'],
    ['answers a text', () => 'd1', 'object.not_found'],
    ['answers an object without an id', () => ({ tenantId: 'acme' }), 'object.not_found'],
    [
      'does not name the tenant',
      () => ({ ...table.get('d1'), tenantId: undefined }),
      'object.not_found',
    ],
    [
      'names a list of tenants',
      () => ({ ...table.get('d1'), tenantId: ['acme'] }),
      'object.not_found',
    ],
    [
      'names the tenant by its prototype',
      () => Object.create(table.get('d1') as object),
      'object.not_found',
    ],
    [
      'throws',
      () => {
        throw new Error('secret');
      },
      'object.unavailable',
    ],
    ['rejects', () => Promise.reject(new Error('secret')), 'object.unavailable'],
    ['hangs', () => new Promise(() => {}), 'object.unavailable'],
    [
      'answers an object that throws',
      () => ({
        get id() {
          throw new Error('secret');
        },
      }),
      'policy.threw',
    ],
  ])('a loader that %s denies', async (_name, answer, expected) => {
    const policy = loadObject(document, {
      id: () => 'd1',
      load: answer as () => Row,
      timeout: '20ms',
    });
    const known = definePolicy({ name: 'known', role: 'grant', check: () => pass({ principal }) });
    const decision = await guard()
      .use(known)
      .use(policy)
      .check(request, {
        call: { protocol: 'http', operation: 'GET /' },
        peer: { address: undefined, id: undefined },
      });
    expect(decision).toMatchObject({ allowed: false, denial: { code: expected } });
  });

  test('a caller without a tenant finds nothing', async () => {
    const nobody = { ...principal, tenant: undefined };
    expect(await codeOf(loadDocument, { principal: nobody, sent: 'd1' })).toBe('object.not_found');
  });

  test('takes whole numbers where the id is one', async () => {
    const order = resource({
      name: 'order',
      fields: { id: field.integer() },
      id: 'id',
      tenant: false,
    });
    const policy = loadObject(order, {
      id: (_, { sent }: { sent: unknown }) => sent,
      load: (id: string | number) => ({ id: Number(id) }),
    });
    for (const id of [7, '7', '0', '-7']) expect(await codeOf(policy, asked(id))).toBe('passed');
    for (const id of [
      '07',
      '7.0',
      '1e3',
      '0x7',
      ' 7',
      '٧',
      '9007199254740993',
      7.5,
      Number.NaN,
      '',
    ]) {
      expect(await codeOf(policy, asked(id))).toBe('object.id_malformed');
    }
  });

  test.each<[string, unknown, string]>([
    ['no id', { load }, 'id must be a function of the request'],
    ['an id that is a name', { id: 'id', load }, 'id must be a function of the request'],
    ['no way to load', { id: () => 'd1' }, 'write either load(id) or loadMany(ids)'],
    [
      'two ways to load',
      { id: () => 'd1', load, loadMany: () => [] },
      'write either load(id) or loadMany(ids)',
    ],
    ['a timeout without a unit', { id: () => 'd1', load, timeout: 100 }, 'timeout'],
    ['a timeout of an hour', { id: () => 'd1', load, timeout: '1h' }, 'timeout'],
    ['an unknown option', { id: () => 'd1', load, cache: true }, '"cache" is not an option'],
    ['ids of no length', { id: () => 'd1', load, maxIdLength: 0 }, 'maxIdLength must be a whole'],
    ['ids of any length', { id: () => 'd1', load, maxIdLength: 4_097 }, 'from 1 to 4,096'],
    ['half a character', { id: () => 'd1', load, maxIdLength: 1.5 }, 'maxIdLength must be a whole'],
  ])('cannot be constructed with %s', (_name, options, message) => {
    const construct = () => loadObject(document, options as never);
    expect(construct).toThrow(ConfigurationError);
    expect(construct).toThrow(/^loadObject\(document\)/);
    expect(construct).toThrow(message);
  });

  test('cannot be constructed without a resource', () => {
    const options = { id: () => 'd1', load };
    expect(() => loadObject({}, options as never)).toThrow(/^loadObject/);
  });

  test.each([1, 4_096])('takes ids of %i characters where that is the most', async (most) => {
    const policy = loadObject(document, {
      id: (_, { sent }: { sent: unknown }) => sent,
      load: (id: string) => ({ id, tenantId: 'acme', ownerId: null, folderId: null }),
      maxIdLength: most,
    });
    expect(await codeOf(policy, asked('d'.repeat(most)))).toBe('passed');
    expect(await codeOf(policy, asked('d'.repeat(most + 1)))).toBe('object.id_malformed');
  });

  test.each<[string, () => unknown, object]>([
    [
      'another object',
      () => table.get('d2'),
      { code: 'object.not_found', cause: 'the document that was loaded has another id' },
    ],
    [
      'an object of another tenant',
      () => ({ ...table.get('d1'), tenantId: 'globex' }),
      { cause: 'the tenant of the document is not known to be that of the call' },
    ],
    [
      'a fault',
      () => Promise.reject(new Error('down')),
      { kind: 'unavailable', retryAfterMs: 1_000, cause: new Error('down') },
    ],
  ])('tells operators that %s was loaded', async (_name, answer, denial) => {
    const policy = loadObject(document, { id: () => 'd1', load: answer as () => Row });
    expect(await policy.check(request, asked('d1') as never)).toMatchObject({ ok: false, denial });
  });
});

describe('many objects at once', () => {
  const batched = (
    calls: (readonly unknown[])[],
    loadMany = (ids: readonly (string | number)[]) =>
      ids.map((id) => table.get(String(id))).toReversed(),
  ) =>
    loadObject(document, {
      id: (_, { sent }: { sent: unknown }) => sent,
      loadMany: (ids) => {
        calls.push(ids);
        return loadMany(ids);
      },
      timeout: '20ms',
    });

  test('ids of one turn are loaded in one call, each id once, and each field gets its own object', async () => {
    const calls: (readonly unknown[])[] = [];
    const policy = batched(calls);
    const codes = await Promise.all(
      ['d1', 'd3', 'd9', 'd1', 'd2'].map((id) => codeOf(policy, asked(id))),
    );
    expect(codes).toEqual(['passed', 'object.not_found', 'object.not_found', 'passed', 'passed']);
    expect(calls).toEqual([['d1', 'd3', 'd9', 'd2']]);
    expect(await policy.check(request, asked('d2'))).toEqual(pass({ document: table.get('d2') }));
  });

  test('nothing is loaded for a caller without a tenant', async () => {
    const calls: (readonly unknown[])[] = [];
    for (const tenant of [undefined, null, '', 7]) {
      const facts = { principal: { ...principal, tenant }, sent: 'd1' };
      expect(await codeOf(batched(calls), facts)).toBe('object.not_found');
    }
    expect(calls).toEqual([]);
  });

  test('objects without tenants are loaded for everybody', async () => {
    const shared = resource({
      name: 'shared',
      fields: { id: field.text() },
      id: 'id',
      tenant: false,
    });
    const asked: unknown[] = [];
    const policy = loadObject(shared, {
      id: () => 'd1',
      loadMany: (ids, tenant) => {
        asked.push(tenant);
        return ids.map((id) => ({ id }));
      },
    });
    expect(await codeOf(policy, {})).toBe('passed');
    expect(asked).toEqual([undefined]);
  });

  test('a thousand at most go out together', async () => {
    const calls: (readonly unknown[])[] = [];
    const policy = batched(calls);
    await Promise.all(Array.from({ length: 2_500 }, (_, at) => codeOf(policy, asked(`x${at}`))));
    expect(calls.map((ids) => ids.length)).toEqual([1_000, 1_000, 500]);
  });

  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('secret');
      },
    ],
    ['rejects', () => Promise.reject(new Error('secret'))],
    ['hangs', () => new Promise(() => {})],
    ['answers no list', () => ({})],
  ])('a loader that %s denies every one of them', async (_name, loadMany) => {
    const policy = batched([], loadMany as never);
    const codes = await Promise.all(['d1', 'd2'].map((id) => codeOf(policy, asked(id))));
    expect(codes).toEqual(['object.unavailable', 'object.unavailable']);
  });
});

describe('pathParameter', () => {
  const read = (operation: string, path: string, name = 'id') =>
    pathParameter(name)(
      { url: path, method: 'GET', headers: request.headers },
      { call: { operation } },
    );
  test.each<[string, string, string, string | undefined]>([
    ['a parameter', 'GET /documents/:id', '/documents/d1?id=d2', 'd1'],
    ['an encoded parameter', 'GET /documents/:id', '/documents/a%2Fb', 'a/b'],
    ['one of two', 'GET /t/:tenant/documents/:id', '/t/acme/documents/d1', 'd1'],
    ['a path with a segment more', 'GET /documents/:id', '/documents/d1/d2', undefined],
    ['a path of another route', 'GET /documents/:id', '/folders/d1', undefined],
    ['a route with a pattern', 'GET /documents/:id(\\d+)', '/documents/7', undefined],
    ['a route with a wildcard', 'GET /documents/*', '/documents/d1', undefined],
    ['another segment with a colon inside', 'GET /v:a/:id', '/v:a/d1', undefined],
    ['another segment with a pattern', 'GET /:a?/:id', '/x/d1', undefined],
    ['another segment that differs', 'GET /documents/:id/x', '/documents/d1/y', undefined],
    ['a wildcard beside the parameter', 'GET /:id/*', '/d1/x', undefined],
    ['an encoding that is not one', 'GET /documents/:id', '/documents/%zz', undefined],
    ['a route without the parameter', 'GET /documents/:key', '/documents/d1', undefined],
  ])('%s', (_name, operation, path, expected) => {
    expect(read(operation, path)).toBe(expected);
  });

  test.each(['', ':id', 'id?', 'a b', ['id'], undefined])(
    'cannot be constructed with %j',
    (name) => {
      expect(() => pathParameter(name as never)).toThrow(/parameter of the route: pathParameter/);
    },
  );
});

describe('messageMember', () => {
  const of = (message: unknown, ...names: [string, ...string[]]) =>
    messageMember(...names)(request, { message });

  test.each<[string, unknown, unknown]>([
    ['a member inside', { document: { id: 'd1' } }, 'd1'],
    ['a member that is a number', { document: { id: 7 } }, 7],
    ['nothing in a list', [{ document: { id: 'd1' } }], undefined],
    ['nothing inside a text', { document: 'd1' }, undefined],
    ['nothing inside null', { document: null }, undefined],
    ['nothing of no message', undefined, undefined],
    ['nothing of a prototype', Object.create({ document: { id: 'd1' } }), undefined],
  ])('takes %s', (_name, message, expected) => {
    expect(of(message, 'document', 'id')).toBe(expected);
  });

  test.each([[[]], [['']], [['document', '']], [['document', 7]]])(
    'cannot be constructed with %j',
    (names) => {
      expect(() => messageMember(...(names as unknown as [string]))).toThrow(
        /names that lead to the id: messageMember/,
      );
    },
  );
});

describe('queryParameter', () => {
  test.each<[string, string | undefined]>([
    ['?id=A', 'A'],
    ['?id=A&ids=B&x[id]=C&idx[]=D', 'A'],
    ['?id=', ''],
    ['', undefined],
    ['?ID=A', undefined],
    ['?id=A&id=B', undefined],
    ['?id=A&id[]=B', undefined],
    ['?id[]=B&id=A', undefined],
    ['?id=A&id%5B%5D=B', undefined],
    ['?id=A&id[0]=B', undefined],
    ['?id=A&id[a][b]=B', undefined],
    ['?id=A&[id]=B', undefined],
    ['?id=A&[id=B', undefined],
    ['?id=A&i%64=B', undefined],
    ['?id[]=A', undefined],
  ])('of "%s" is %s', (query, expected) => {
    const url = `https://api.example.com/documents${query}`;
    expect(queryParameter('id')({ url, method: 'GET', headers: request.headers })).toBe(expected);
  });

  test.each(['', ['id'], undefined])('cannot be constructed with %j', (name) => {
    expect(() => queryParameter(name as never)).toThrow(/parameter of the query: queryParameter/);
  });
});

describe('requireOwner', () => {
  const ask = (id: string, policy = requireOwner(document, { owner: 'ownerId' })) =>
    codeOf(policy, { principal, document: table.get(id) });

  test('admits the owner and nobody else', async () => {
    const owner = requireOwner(document, { owner: 'ownerId' });
    expect(owner).toMatchObject({
      name: 'requireOwner(document).ownerId',
      role: 'grant',
      needs: ['principal', 'document'],
    });
    expect(await ask('d1')).toBe('passed');
    expect(await ask('d2')).toBe('object.not_owned');
    expect(owner.check(request, { principal, document: table.get('d2') } as never)).toMatchObject({
      denial: {
        kind: 'forbidden',
        detail: 'The object belongs to somebody else.',
        cause: 'the caller is not the ownerId of the object',
      },
    });
    expect(await ask('d3')).toBe('object.not_found');
    expect(await ask('d4')).toBe('object.not_owned');
  });

  test('an owner that is missing is not a caller whose id is missing', async () => {
    for (const id of [undefined, null, '']) {
      const policy = requireOwner(document, { owner: 'ownerId', caller: () => id });
      for (const ownerId of [undefined, null, '']) {
        const object = { ...table.get('d1'), ownerId };
        expect(await codeOf(policy, { principal, document: object })).toBe('object.not_owned');
      }
    }
  });

  test('compares what the application keeps', async () => {
    const bySubject = requireOwner(document, {
      owner: 'ownerId',
      caller: ({ principal: { subject } }: { principal: Principal }) => `issuer|${subject}`,
    });
    expect(await ask('d1', bySubject as never)).toBe('passed');
    expect(await ask('d2', bySubject as never)).toBe('object.not_owned');
    expect(bySubject.needs).toEqual(['document']);
  });

  test.each<[string, object, string]>([
    ['a field that the resource does not have', { owner: 'owner' }, 'owner must name a field of'],
    ['a field that is not a text', { owner: 'public' }, 'owner must name a field of field.text()'],
    ['a caller that is not a function', { owner: 'id', caller: 'id' }, 'caller must be a function'],
    ['an unknown option', { owner: 'id', by: 'id' }, '"by" is not an option'],
  ])('cannot be constructed with %s', (_name, options, message) => {
    const flagged = resource({
      name: 'flagged',
      tenant: false,
      id: 'id',
      fields: { id: field.text(), public: field.boolean() },
    });
    const construct = () => requireOwner(flagged, options as never);
    expect(construct).toThrow(ConfigurationError);
    expect(construct).toThrow(`requireOwner(flagged): ${message}`);
  });

  test('cannot be constructed without a resource', () => {
    expect(() => requireOwner({}, { owner: 'id' })).toThrow(/requireOwner/);
  });
});

describe('an object that must not be known to exist', () => {
  const secret = loadObject(hidden, { id: (_, { sent }: { sent: unknown }) => sent, load });
  const decide = (policy: Parameters<typeof codeOf>[0], id: string) => {
    const known = definePolicy({
      name: 'known',
      role: 'check',
      check: () => pass({ principal, sent: id }),
    });
    return guard<HttpFacts>()
      .use(known)
      .use(secret)
      .use(policy as typeof owned)
      .check(request, {
        call: { protocol: 'http', operation: 'GET /' },
        peer: { address: undefined, id: undefined },
      });
  };
  const owned = requireOwner(hidden, { owner: 'ownerId' });
  const ruled = requireRule(rule.eq(hidden.ownerId, rule.caller.id, { code: 'document.foreign' }));

  // Covers: API1:2023
  test.each<[string, Parameters<typeof codeOf>[0]]>([
    ['requireOwner', owned],
    ['require', ruled],
  ])(
    'with %s: a forbidden object, one of another tenant and one that does not exist look the same',
    async (_name, policy) => {
      const seen = await Promise.all(
        ['d2', 'd3', 'd9'].map(async (id) => {
          const decision = await decide(policy, id);
          if (decision.allowed) throw new Error('should have been denied');
          const { cause: _, ...told } = decision.denial;
          return told;
        }),
      );
      expect(seen[0]).toEqual({
        kind: 'not_found',
        code: 'object.not_found',
        detail: 'There is no such object.',
      });
      expect(seen[1]).toEqual(seen[0]);
      expect(seen[2]).toEqual(seen[0]);
      expect(await decide(policy, 'd1')).toMatchObject({ allowed: true });
    },
  );
});

describe('sharedFolders', () => {
  const parents: Record<string, string | null> = {
    root: null,
    f0: 'root',
    f1: 'f0',
    f2: 'f1',
    f3: 'f2',
    f4: 'f3',
    // Two folders that lie in each other.
    x: 'y',
    y: 'x',
  };
  const shared = (grants: readonly string[], maxDepth = 3) =>
    sharedFolders({
      isShared: (user: string, folder) => user === 'alice' && grants.includes(folder),
      sharedWith: (user) => (user === 'alice' ? grants : []),
      parentOf: (folder) => (Object.hasOwn(parents, folder) ? parents[folder] : undefined),
      childrenOf: (folders) =>
        Object.keys(parents).filter((each) => folders.includes(parents[each] ?? '')),
      maxDepth,
    });

  test.each([[['f0']], [['f1']], [['root']], [['x']], [['f4', 'y']], [[]]])(
    'shares of %j: a list is what single checks say, also at the depth where a share ends',
    async (grants) => {
      const both = shared(grants);
      const listed = await both.list('alice');
      for (const folder of Object.keys(parents)) {
        expect([folder, await both.check('alice', folder)]).toEqual([
          folder,
          listed.includes(folder),
        ]);
        expect(await both.check('eve', folder)).toBe(false);
      }
      expect(await both.list('eve')).toEqual([]);
    },
  );

  test('a share reaches as deep as it says, and no deeper', async () => {
    expect(await shared(['f0']).check('alice', 'f3')).toBe(true);
    expect(await shared(['f0']).check('alice', 'f4')).toBe(false);
  });

  test('works as a relation of a rule, for a read and for a list', async () => {
    const viewer = relation('viewer', shared(['f0']));
    const view = rule.related(viewer, rule.caller.subject, document.folderId);
    const policy = requireRule(view);
    expect(await codeOf(policy as never, { principal, document: table.get('d1') })).toBe('passed');
    expect(await codeOf(policy as never, { principal, document: table.get('d2') })).toBe(
      'rule.undecided',
    );
    const inPlan = toPredicate(document)(await plan(view, document)({ principal }));
    expect([...table.values()].filter(inPlan).map(({ id }) => id)).toEqual(['d1']);
  });

  test('lists just what it admits one by one, also where folders lie in a circle or deeper than it reaches', async () => {
    const all = Array.from({ length: 8 }, (_, at) => `f${at}`);
    const folder = fc.constantFrom(...all);
    const above = fc.dictionary(folder, fc.oneof(folder, fc.constantFrom('', 'gone')));
    const shares = fc.uniqueArray(fc.oneof(folder, fc.constant('')), { maxLength: 3 });
    let listed = 0;
    await fc.assert(
      fc.asyncProperty(
        above,
        shares,
        fc.integer({ min: 1, max: 4 }),
        async (up, shared, maxDepth) => {
          const { check, list } = sharedFolders({
            isShared: (_user: string, each) => shared.includes(each),
            sharedWith: () => shared,
            parentOf: (each) => up[each],
            childrenOf: (parents) => all.filter((each) => parents.includes(up[each] ?? 'none')),
            maxDepth,
          });
          const admitted: string[] = [];
          for (const each of [...all, '']) if (await check('ann', each)) admitted.push(each);
          listed += admitted.length;
          expect([...(await list('ann'))].toSorted()).toEqual(admitted.toSorted());
        },
      ),
    );
    expect(listed).toBeGreaterThan(50);
  });

  test('cannot be constructed without one of its callbacks, or with no depth', () => {
    expect(() => sharedFolders({} as never)).toThrow(ConfigurationError);
    expect(() => shared([], 0)).toThrow(ConfigurationError);
  });
});
