import { describe, expect, test } from 'vitest';
import type { AuthenticatedFacts, CallFacts, Principal } from '../engine/facts.ts';
import type { Deny } from '../engine/outcome.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { field } from './field.ts';
import { equalRules, printRule } from './print-rule.ts';
import { relation } from './relation.ts';
import { type RuleDenial, require as requireRule } from './require.ts';
import { resource } from './resource.ts';
import { rule } from './rule.ts';
import type { Rule } from './rule-data.ts';
import { environment, subject } from './subject.ts';

const request = new Request('https://api.example.com/documents/1');

const caller = subject({
  fields: {
    id: field.text(),
    department: field.text({ optional: true }),
    level: field.integer({ optional: true }),
    projects: field.list(field.text(), { optional: true }),
  },
  of: ({ principal, authentication: { claims } }: AuthenticatedFacts) => ({
    id: principal.id,
    department: claims['department'],
    level: claims['level'],
    projects: claims['projects'],
  }),
});

const document = resource({
  name: 'document',
  fields: {
    id: field.text(),
    tenantId: field.text(),
    ownerId: field.text(),
    department: field.text({ nullable: true }),
    status: field.text<'draft' | 'published'>(),
    size: field.integer(),
    score: field.number({ optional: true }),
    locked: field.boolean(),
    publishedAt: field.instant({ nullable: true }),
    readers: field.list(field.text()),
  },
  id: 'id',
  tenant: { field: 'tenantId', of: ({ principal }: { principal: Principal }) => principal.tenant },
});

const row = {
  id: 'd1',
  tenantId: 'acme',
  ownerId: 'alice',
  department: 'sales',
  status: 'draft',
  size: 10,
  score: 0.5,
  locked: false,
  publishedAt: null,
  readers: ['alice', 'bob'],
};

interface Call {
  readonly claims?: Record<string, unknown>;
  readonly roles?: readonly string[];
  readonly tenant?: string;
  readonly object?: unknown;
  readonly address?: string | undefined;
}

function facts({ claims = {}, roles = [], tenant = 'acme', object = row, address }: Call = {}) {
  return {
    call: { protocol: 'http', operation: 'POST /documents/:id/approval' },
    peer: { address, id: address },
    principal: {
      id: 'alice',
      subject: 'alice',
      issuer: 'issuer',
      tenant,
      scopes: new Set<string>(),
      roles: new Set(roles),
    },
    authentication: { method: 'jwt', scheme: 'Bearer', claims },
    // A loader gives what it likes; that is what is tested.
    document: object as typeof row,
  } satisfies CallFacts & AuthenticatedFacts & { document: object };
}

type Facts = ReturnType<typeof facts>;

/** `admitted`, or the code that denied. */
function ask(of: Rule<Facts>, call: Call = {}): string {
  const outcome = requireRule(of as Rule<Omit<Facts, 'action'>>, { now: () => 0 }).check(
    request,
    facts(call),
  );
  if (outcome instanceof Promise) throw new Error('should be decided at once');
  return outcome.ok ? 'admitted' : outcome.denial.code;
}

describe('the rule that a manager approves documents of the own department in business hours', () => {
  const action = rule.action<'read' | 'approve'>();
  const approve = rule.all(
    rule.eq(caller.department, document.department, { code: 'document.other_department' }),
    rule.role('manager', { code: 'document.not_a_manager' }),
    rule.eq(action, 'approve'),
    rule.during(
      {
        zone: 'Europe/Berlin',
        days: ['mon', 'tue', 'wed', 'thu', 'fri'],
        from: '09:00',
        to: '17:00',
      },
      { code: 'document.closed_hours' },
    ),
  );
  // A Wednesday.
  const at = (time: string) => Date.parse(`2026-07-01T${time}+02:00`);
  const decide = (now: number, call: Call, act: 'read' | 'approve' = 'approve') =>
    requireRule(approve, { action: act, now: () => now }).check(request, facts(call));
  const honest: Call = { claims: { department: 'sales' }, roles: ['manager'] };

  test('admits a manager of the department at noon', () => {
    expect(decide(at('12:00:00'), honest)).toEqual({ ok: true });
  });

  test.each<[string, number, Call, string]>([
    [
      'of another department',
      at('12:00:00'),
      { ...honest, claims: { department: 'legal' } },
      'document.other_department',
    ],
    [
      'of a department in another case',
      at('12:00:00'),
      { ...honest, claims: { department: 'Sales' } },
      'document.other_department',
    ],
    ['without a department', at('12:00:00'), { roles: ['manager'] }, 'document.other_department'],
    [
      'with a list of departments',
      at('12:00:00'),
      { ...honest, claims: { department: ['sales'] } },
      'document.other_department',
    ],
    ['without the role', at('12:00:00'), { ...honest, roles: ['clerk'] }, 'document.not_a_manager'],
    ['a second too early', at('08:59:59'), honest, 'document.closed_hours'],
    ['at closing time', at('17:00:00'), honest, 'document.closed_hours'],
    ['on a Saturday', Date.parse('2026-07-04T12:00:00+02:00'), honest, 'document.closed_hours'],
    ['while the clock gives no time', Number.NaN, honest, 'document.closed_hours'],
    ['of another tenant', at('12:00:00'), { ...honest, tenant: 'globex' }, 'object.not_found'],
  ])('denies a manager %s', (_name, now, call, code) => {
    expect(decide(now, call)).toMatchObject({ ok: false, denial: { code } });
  });

  test('denies another action with a code that tells the caller nothing', () => {
    expect(decide(at('12:00:00'), honest, 'read')).toMatchObject({
      ok: false,
      denial: { kind: 'forbidden', code: 'rule.denied' },
    });
  });

  test('denies where neither the caller nor the document has a department', () => {
    const outcome = decide(at('12:00:00'), {
      roles: ['manager'],
      object: { ...row, department: null },
    });
    expect(outcome).toMatchObject({ ok: false });
  });

  test('names the leaf to operators, and not to the caller', () => {
    const outcome = decide(at('12:00:00'), { ...honest, roles: [] });
    if (outcome.ok) throw new Error('should have been denied');
    expect(outcome.denial.cause).toMatchObject({
      verdict: 'false',
      reasons: [
        { code: 'document.not_a_manager', leaf: '"manager" in subject.roles', verdict: 'false' },
      ],
    });
    expect(outcome.denial.detail).toBeUndefined();
  });

  test('is printed as it is read', () => {
    expect(printRule(approve)).toBe(
      'subject.department == document.department && "manager" in subject.roles && ' +
        'action == "approve" && during mon tue wed thu fri 09:00-17:00 Europe/Berlin',
    );
  });

  test('cannot be constructed without its action', () => {
    expect(() => requireRule(approve as never)).toThrow(ConfigurationError);
    for (const action of ['', 7, '\ud800']) {
      const construct = () => requireRule(approve, { action: action as never });
      expect(construct).toThrow(/^require: the rule asks for an action\. Write require\(rule, /);
    }
  });
});

describe('leaves', () => {
  const hour = 3_600_000;
  test.each<[string, Rule<Facts>, Call, string]>([
    ['equal texts', rule.eq(document.ownerId, 'alice'), {}, 'admitted'],
    ['a text with a trailing blank', rule.eq(document.ownerId, 'alice '), {}, 'rule.denied'],
    [
      'a composed and a decomposed letter',
      rule.eq(document.ownerId, 'e\u0301'),
      { object: { ...row, ownerId: '\u00e9' } },
      'rule.denied',
    ],
    ['unequal texts', rule.ne(document.ownerId, 'bob'), {}, 'admitted'],
    [
      'an unequal text that is null',
      rule.ne(document.department, 'x'),
      { object: { ...row, department: null } },
      'rule.undecided',
    ],
    [
      'the negation of what is null',
      rule.not(rule.eq(document.department, 'x')),
      { object: { ...row, department: null } },
      'rule.undecided',
    ],
    [
      'a text that is absent',
      rule.ne(document.ownerId, 'x'),
      { object: { ...row, ownerId: undefined } },
      'rule.undecided',
    ],
    [
      'null where it is not declared',
      rule.ne(document.ownerId, 'x'),
      { object: { ...row, ownerId: null } },
      'rule.undecided',
    ],
    [
      'a number where text is meant',
      rule.ne(document.ownerId, 'x'),
      { object: { ...row, ownerId: 1 } },
      'rule.undecided',
    ],
    [
      'an array where text is meant',
      rule.ne(document.ownerId, 'x'),
      { object: { ...row, ownerId: ['y'] } },
      'rule.undecided',
    ],
    [
      'half a surrogate pair',
      rule.ne(document.ownerId, 'x'),
      { object: { ...row, ownerId: '\ud800' } },
      'rule.undecided',
    ],
    [
      'a text with NUL',
      rule.ne(document.ownerId, 'x'),
      { object: { ...row, ownerId: 'y\0' } },
      'rule.undecided',
    ],
    ['a number below', rule.lt(document.size, 11), {}, 'admitted'],
    [
      'a number as text',
      rule.lt(document.size, 11),
      { object: { ...row, size: '10' } },
      'rule.undecided',
    ],
    [
      'NaN',
      rule.not(rule.lt(document.score, 11)),
      { object: { ...row, score: Number.NaN } },
      'rule.undecided',
    ],
    [
      'infinity',
      rule.gt(document.score, 1),
      { object: { ...row, score: Number.POSITIVE_INFINITY } },
      'rule.undecided',
    ],
    [
      'an integer that cannot be held exactly',
      rule.gt(document.size, 1),
      { object: { ...row, size: 2 ** 53 } },
      'rule.undecided',
    ],
    ['a bigint', rule.gt(document.size, 1), { object: { ...row, size: 10n } }, 'rule.undecided'],
    [
      'the empty text as a number',
      rule.le(document.size, 1),
      { object: { ...row, size: '' } },
      'rule.undecided',
    ],
    [
      'a letter beyond the BMP above one within',
      rule.gt(document.ownerId, '\ufffd'),
      { object: { ...row, ownerId: '\u{1f600}' } },
      'admitted',
    ],
    ['false', rule.eq(document.locked, false), {}, 'admitted'],
    [
      'zero where false is meant',
      rule.eq(document.locked, false),
      { object: { ...row, locked: 0 } },
      'rule.undecided',
    ],
    [
      'a date before now',
      rule.lt(document.publishedAt, rule.now),
      { object: { ...row, publishedAt: new Date(-1) } },
      'admitted',
    ],
    [
      'a date that is none',
      rule.not(rule.lt(document.publishedAt, rule.now)),
      { object: { ...row, publishedAt: new Date(Number.NaN) } },
      'rule.undecided',
    ],
    [
      'a date as text',
      rule.not(rule.lt(document.publishedAt, rule.now)),
      { object: { ...row, publishedAt: '2100-01-01' } },
      'rule.undecided',
    ],
    [
      'a date at a constant',
      rule.eq(document.publishedAt, new Date(hour)),
      { object: { ...row, publishedAt: hour } },
      'admitted',
    ],
    ['a beginning', rule.startsWith(document.ownerId, 'al'), {}, 'admitted'],
    ['a beginning with a wildcard', rule.startsWith(document.ownerId, '%'), {}, 'rule.denied'],
    [
      'a beginning that the caller leaves empty',
      rule.startsWith(document.ownerId, caller.department),
      { claims: { department: '' } },
      'rule.undecided',
    ],
    ['one of constants', rule.in(document.status, ['draft']), {}, 'admitted'],
    ['none of constants', rule.in(document.status, ['published']), {}, 'rule.denied'],
    ['a caller in the list of the document', rule.in(caller.id, document.readers), {}, 'admitted'],
    [
      'a caller in no empty list',
      rule.in(caller.id, document.readers),
      { object: { ...row, readers: [] } },
      'rule.denied',
    ],
    [
      'a caller in a text that holds the name',
      rule.in(caller.id, document.readers),
      { object: { ...row, readers: 'alice' } },
      'rule.undecided',
    ],
    [
      'a caller not in a list with something else in it',
      rule.not(rule.in(caller.id, document.readers)),
      { object: { ...row, readers: ['x', 1] } },
      'rule.undecided',
    ],
    [
      'a department in the projects of the caller',
      rule.in(document.department, caller.projects),
      { claims: { projects: ['sales'] } },
      'admitted',
    ],
    [
      'more projects than are looked through',
      rule.in(document.department, caller.projects),
      { claims: { projects: [...Array.from({ length: 1_000 }, () => 'x'), 'sales'] } },
      'rule.undecided',
    ],
    [
      'null that is known',
      rule.isNull(document.department),
      { object: { ...row, department: null } },
      'admitted',
    ],
    [
      'null where it is absent',
      rule.isNull(document.department),
      { object: { ...row, department: undefined } },
      'rule.undecided',
    ],
    ['absent where that is allowed', rule.isNull(caller.department), {}, 'admitted'],
    ['not null', rule.not(rule.isNull(document.department)), {}, 'admitted'],
    [
      'an item that fits',
      rule.exists(document.readers, (item) => rule.startsWith(item, 'b')),
      {},
      'admitted',
    ],
    [
      'no item that fits',
      rule.exists(document.readers, (item) => rule.eq(item, 'eve')),
      {},
      'rule.denied',
    ],
    ['every item', rule.every(document.readers, (item) => rule.ne(item, 'eve')), {}, 'admitted'],
    [
      'every item but one',
      rule.every(document.readers, (item) => rule.eq(item, 'bob')),
      {},
      'rule.denied',
    ],
    [
      'every item of none',
      rule.every(document.readers, (item) => rule.eq(item, 'bob')),
      { object: { ...row, readers: [] } },
      'rule.denied',
    ],
    [
      'every item of none where that is said',
      rule.every(document.readers, (item) => rule.eq(item, 'bob'), { orEmpty: true }),
      { object: { ...row, readers: [] } },
      'admitted',
    ],
    [
      'every item where one has the wrong type',
      rule.every(document.readers, (item) => rule.ne(item, 'eve')),
      { object: { ...row, readers: ['a', null] } },
      'rule.undecided',
    ],
    ['an address in the network', rule.peerIn(['10.0.0.0/8']), { address: '10.1.2.3' }, 'admitted'],
    [
      'a mapped address in the network',
      rule.peerIn(['10.0.0.0/8']),
      { address: '::ffff:10.1.2.3' },
      'admitted',
    ],
    [
      'an address in another network',
      rule.peerIn(['10.0.0.0/8']),
      { address: '11.1.2.3' },
      'rule.denied',
    ],
    [
      'no address outside a network',
      rule.not(rule.peerIn(['10.0.0.0/8'])),
      { address: undefined },
      'rule.undecided',
    ],
    [
      'something that is not an address',
      rule.not(rule.peerIn(['10.0.0.0/8'])),
      { address: '10.1' },
      'rule.undecided',
    ],
    ['an acr', rule.acr(['urn:loa:2']), { claims: { acr: 'urn:loa:2' } }, 'admitted'],
    ['another acr', rule.acr(['urn:loa:2']), { claims: { acr: 'urn:loa:1' } }, 'rule.denied'],
    ['no acr', rule.not(rule.acr(['urn:loa:1'])), {}, 'rule.undecided'],
  ])('%s', (_name, of, call, expected) => {
    expect(ask(of, call)).toBe(expected);
  });
});

describe('three values', () => {
  const isTrue = rule.eq(document.ownerId, 'alice');
  const isFalse = rule.eq(document.ownerId, 'bob');
  const open = rule.eq(document.score, 1);
  const call: Call = { object: { ...row, score: 'x' } };
  test.each<[string, Rule<Facts>, string]>([
    ['true and undecided', rule.all(isTrue, open), 'rule.undecided'],
    ['false and undecided', rule.all(open, isFalse), 'rule.denied'],
    ['true or undecided', rule.any(open, isTrue), 'admitted'],
    ['false or undecided', rule.any(isFalse, open), 'rule.undecided'],
    ['not undecided', rule.not(open), 'rule.undecided'],
    ['undecided or its negation', rule.any(open, rule.not(open)), 'rule.undecided'],
    ['not false', rule.not(isFalse), 'admitted'],
    ['neither of two', rule.not(rule.any(isFalse, isFalse)), 'admitted'],
    ['not (false and undecided)', rule.not(rule.all(isFalse, open)), 'admitted'],
    ['not (true or undecided)', rule.not(rule.any(isTrue, open)), 'rule.denied'],
  ])('%s', (_name, of, expected) => {
    expect(ask(of, call)).toBe(expected);
  });

  test.each<[string, Rule<Facts>, string[]]>([
    ['of all, what is not true', rule.all(isTrue, isFalse, open), ['bob false', '1 undecided']],
    ['of any, all that are not', rule.any(isFalse, open), ['bob false', '1 undecided']],
    ['of a negation, what is true', rule.not(rule.any(isFalse, isTrue)), ['alice true']],
    [
      'of a negation of all, all of them',
      rule.not(rule.all(isTrue, isTrue)),
      ['alice true', 'alice true'],
    ],
    ['nothing of a part that holds', rule.all(rule.any(isFalse, isTrue), isFalse), ['bob false']],
    ['of two negations, what is false', rule.not(rule.not(isFalse)), ['bob false']],
  ])('operators read which leaves kept a rule from being true: %s', (_name, of, expected) => {
    const outcome = requireRule(of).check(request, facts(call)) as Deny;
    const { reasons } = outcome.denial.cause as RuleDenial;
    expect(reasons.map(({ leaf, verdict }) => `${leaf} ${verdict}`)).toEqual(
      expected.map((each) => expect.stringContaining(each.split(' ')[0] ?? '') as string),
    );
    expect(reasons.map(({ verdict }) => verdict)).toEqual(
      expected.map((each) => each.split(' ')[1]),
    );
  });

  test.each([
    [1_000, 'admitted', 'admitted'],
    [1_001, 'rule.undecided', 'rule.undecided'],
  ])('a list of the caller of %i items: %s', (count, within, some) => {
    const projects = ['alice', ...Array.from({ length: count - 1 }, (_, at) => `p${at}`)];
    const by = { claims: { projects } };
    expect(ask(rule.in(document.ownerId, caller.projects), by)).toBe(within);
    expect(
      ask(
        rule.exists(caller.projects, (each) => rule.eq(each, 'alice')),
        by,
      ),
    ).toBe(some);
  });

  test.each<[string, Rule<Facts>, string]>([
    ['less than the same', rule.lt(document.size, 10), 'rule.denied'],
    ['less than more', rule.lt(document.size, 11), 'admitted'],
    ['at most less', rule.le(document.size, 9), 'rule.denied'],
    ['at most the same', rule.le(document.size, 10), 'admitted'],
    ['more than the same', rule.gt(document.size, 10), 'rule.denied'],
    ['more than less', rule.gt(document.size, 9), 'admitted'],
    ['at least more', rule.ge(document.size, 11), 'rule.denied'],
    ['at least the same', rule.ge(document.size, 10), 'admitted'],
    ['unlike the same', rule.ne(document.size, 10), 'rule.denied'],
  ])('%s: %s', (_name, of, expected) => {
    expect(ask(of)).toBe(expected);
  });
});

describe('objects that somebody prepared', () => {
  test('a member of the prototype is not one of the object', () => {
    const object = Object.create({ ...row, ownerId: 'alice' }) as typeof row;
    Object.assign(object, { tenantId: 'acme' });
    expect(ask(rule.eq(document.ownerId, 'alice'), { object })).toBe('rule.undecided');
  });

  test('a polluted Object.prototype adds no attribute', () => {
    const polluted = Object.prototype as { ownerId?: unknown };
    const { ownerId: _, ...object } = row;
    try {
      polluted.ownerId = 'alice';
      expect(ask(rule.eq(document.ownerId, 'alice'), { object })).toBe('rule.undecided');
    } finally {
      delete polluted.ownerId;
    }
  });

  test('a getter that throws decides nothing', () => {
    const object = {
      ...row,
      get ownerId(): string {
        throw new Error('secret');
      },
    };
    expect(ask(rule.not(rule.eq(document.ownerId, 'bob')), { object })).toBe('rule.undecided');
  });

  const revoked = (target: object) => {
    const { proxy, revoke } = Proxy.revocable(target, {});
    revoke();
    return proxy;
  };
  const throwing = new Proxy(['alice'], {
    get: () => {
      throw new Error('secret');
    },
  });
  test.each<[string, unknown]>([
    ['a revoked proxy', revoked({})],
    ['a revoked proxy of a list', revoked([])],
    ['a list whose items throw', throwing],
    ['an object that turns into the text', { toString: () => 'alice', valueOf: () => 'alice' }],
    ['a text in an object', Object('alice')],
    ['a list of the text', ['alice']],
    ['a date without a time', new Date(Number.NaN)],
    ['not a number', Number.NaN],
  ])('%s as a member decides nothing, whatever is asked', (_name, value) => {
    const object = { ...row, ownerId: value };
    for (const of of [
      rule.eq(document.ownerId, 'alice'),
      rule.ne(document.ownerId, 'bob'),
      rule.not(rule.eq(document.ownerId, 'bob')),
      rule.not(rule.in(document.ownerId, ['bob'])),
      rule.not(rule.startsWith(document.ownerId, 'b')),
    ]) {
      expect(ask(of, { object })).toBe('rule.undecided');
    }
  });

  test.each([null, 'text', 7, [], () => row])('%j is not an object', (object) => {
    expect(ask(rule.ne(document.ownerId, 'x'), { object })).toBe('object.not_found');
  });
});

describe('tenants', () => {
  const mine = rule.eq(document.ownerId, 'alice');
  test.each<[string, Call, string]>([
    ['the own tenant', {}, 'admitted'],
    ['another tenant', { tenant: 'globex' }, 'object.not_found'],
    ['a tenant in another case', { tenant: 'ACME' }, 'object.not_found'],
    ['no tenant of the object', { object: { ...row, tenantId: undefined } }, 'object.not_found'],
    ['no tenant of the caller', { tenant: '' }, 'object.not_found'],
    [
      'no tenant on either side',
      { tenant: '', object: { ...row, tenantId: '' } },
      'object.not_found',
    ],
    ['a list of tenants', { object: { ...row, tenantId: ['acme'] } }, 'object.not_found'],
  ])('%s', (_name, call, expected) => {
    expect(ask(mine, call)).toBe(expected);
  });
});

describe('relations', () => {
  const shared = (check: (subject: string, object: string) => unknown) =>
    relation('shared', { check: check as never, list: () => [], timeout: '30ms' });
  const decide = async (check: (subject: string, object: string) => unknown, call: Call = {}) => {
    const of = rule.related(shared(check), caller.id, document.id);
    const outcome = await requireRule(of).check(request, facts(call));
    return outcome.ok ? 'admitted' : outcome.denial.code;
  };

  test.each<[string, (subject: string, object: string) => unknown, string]>([
    ['is true', (subject, object) => subject === 'alice' && object === 'd1', 'admitted'],
    ['resolves to true', async () => true, 'admitted'],
    ['is false', () => false, 'rule.denied'],
    ['answers something that is true in JavaScript', () => 1, 'relation.unavailable'],
    ['answers a text', async () => 'true', 'relation.unavailable'],
    [
      'throws',
      () => {
        throw new Error('secret');
      },
      'relation.unavailable',
    ],
    ['rejects', () => Promise.reject(new Error('secret')), 'relation.unavailable'],
    ['hangs', () => new Promise(() => {}), 'relation.unavailable'],
  ])('one that %s', async (_name, check, expected) => {
    expect(await decide(check)).toBe(expected);
  });

  test('that fails may be asked again in a second, and operators learn what was thrown', async () => {
    const down = new Error('down');
    const of = rule.related(
      shared(() => Promise.reject(down)),
      caller.id,
      document.id,
    );
    expect(await requireRule(of).check(request, facts())).toMatchObject({
      denial: {
        kind: 'unavailable',
        code: 'relation.unavailable',
        retryAfterMs: 1_000,
        cause: { verdict: 'undecided', causes: [down] },
      },
    });
  });

  test('that answers neither true nor false is named to operators', async () => {
    const of = rule.related(
      shared(() => 1),
      caller.id,
      document.id,
    );
    const outcome = await requireRule(of).check(request, facts());
    expect(outcome).toMatchObject({
      denial: {
        cause: {
          causes: [
            expect.objectContaining({
              message: expect.stringMatching(/^shared: neither true nor false$/) as string,
            }) as Error,
          ],
        },
      },
    });
  });

  test('that fails does not matter where another one says no', async () => {
    const fails = rule.related(
      shared(() => Promise.reject(new Error('down'))),
      caller.id,
      document.id,
    );
    const no = rule.related(
      shared(async () => false),
      caller.id,
      document.id,
    );
    for (const of of [rule.all(fails, no), rule.all(no, fails)]) {
      expect(await requireRule(of).check(request, facts())).toMatchObject({
        denial: { kind: 'forbidden', code: 'rule.denied', cause: { verdict: 'false' } },
      });
    }
  });

  test('is not asked where the rest decides', async () => {
    let asked = 0;
    const member = shared(() => (asked += 1) > 0);
    const either = rule.any(
      rule.related(member, caller.id, document.id),
      rule.eq(document.ownerId, 'alice'),
    );
    expect(requireRule(either).check(request, facts())).toEqual({ ok: true });
    const both = rule.all(
      rule.related(member, caller.id, document.id),
      rule.eq(document.ownerId, 'bob'),
    );
    expect(requireRule(both).check(request, facts())).toMatchObject({
      denial: { code: 'rule.denied' },
    });
    expect(asked).toBe(0);
  });

  test('is not asked about what is missing', async () => {
    let asked = 0;
    const member = relation('member', {
      check: (_user: string, _department: string) => (asked += 1) > 0,
      list: () => [],
    });
    const of = rule.related(member, caller.id, document.department);
    const outcome = await requireRule(of).check(
      request,
      facts({ object: { ...row, department: null } }),
    );
    expect(outcome).toMatchObject({ denial: { code: 'rule.undecided' } });
    expect(asked).toBe(0);
  });
});

describe('the policy', () => {
  const long = (length: number) => rule.eq(document.ownerId, 'x'.repeat(length));

  test('is named after its rule, and operators see 200 characters of it', () => {
    const short = requireRule(long(1)).name;
    expect(short).toMatch(/^require\(.*x.*\)$/);
    const spare = 200 - (short.length - 'require()'.length) + 1;
    expect(requireRule(long(spare)).name).toHaveLength('require()'.length + 200);
    expect(requireRule(long(spare)).name).not.toContain('…');
    const cut = requireRule(long(spare + 1)).name;
    expect(cut).toHaveLength('require()'.length + 200);
    expect(cut.endsWith('…)')).toBe(true);
  });

  test('needs what its rule reads, each once', () => {
    const of = rule.all(long(1), long(2), rule.eq(document.ownerId, caller.id));
    expect(requireRule(of).needs?.filter((each) => each === 'document')).toEqual(['document']);
  });

  test('goes by the clock where none is given', () => {
    const of = rule.lt(document.publishedAt, rule.now);
    const published = (at: number) => facts({ object: { ...row, publishedAt: at } });
    expect(requireRule(of).check(request, published(Date.now() - 1_000)).ok).toBe(true);
    expect(requireRule(of).check(request, published(Date.now() + 60_000)).ok).toBe(false);
  });

  test.each([
    [{ now: 5 }, /now must be a function that answers epoch milliseconds/],
    [{ clock: () => 5 }, /"clock" is not an option/],
  ])('cannot be constructed with %j', (options, message) => {
    expect(() => requireRule(long(1), options as never)).toThrow(message);
    expect(() => requireRule(long(1), options as never)).toThrow(/^require: /);
  });
});

describe('environment', () => {
  test('is undecidable when its callback throws', () => {
    const device = environment({
      fields: { managed: field.boolean({ optional: true }) },
      of: (): { managed: boolean } => {
        throw new Error('secret');
      },
    });
    expect(ask(rule.not(rule.eq(device.managed, true)))).toBe('rule.undecided');
  });
});

describe('a rule that could not protect cannot be constructed', () => {
  const build = rule as unknown as Record<string, (...args: unknown[]) => never>;
  const typo = (document as unknown as Record<string, never>)['owner'];
  test.each<[string, () => unknown, RegExp]>([
    ['an empty all', () => build['all']?.(), /at least one rule/],
    ['an empty any', () => build['any']?.(), /at least one rule/],
    [
      'a misspelled attribute on the left',
      () => rule.eq(typo as never, 'x' as never),
      /undefined. Is its name spelled/,
    ],
    [
      'a misspelled attribute on the right',
      () => rule.eq(document.ownerId, typo as never),
      /undefined. Is its name spelled/,
    ],
    [
      'a method that every object has',
      () => build['eq']?.((document as never)['toString'], 'x'),
      /undefined/,
    ],
    [
      'a plain object as attribute',
      () => build['eq']?.({ source: 'document', name: 'id', field: {} }, 'x'),
      /not an attribute/,
    ],
    ['text beside a number', () => build['eq']?.(document.ownerId, document.size), /one type/],
    ['a constant of another type', () => build['eq']?.(document.size, '10'), /not a valid integer/],
    ['NaN', () => build['lt']?.(document.score, Number.NaN), /not a valid number/],
    ['null as a constant', () => build['eq']?.(document.department, null), /not a valid text/],
    ['half a surrogate pair', () => build['eq']?.(document.ownerId, '\ud800'), /not a valid text/],
    ['an order of booleans', () => build['lt']?.(document.locked, true), /cannot be compared/],
    ['a list compared', () => build['eq']?.(document.readers, 'alice'), /is a list/],
    ['an empty list of constants', () => build['in']?.(document.ownerId, []), /1 to 1,000 values/],
    ['an empty beginning', () => rule.startsWith(document.ownerId, ''), /every text starts/],
    ['null of what is never missing', () => build['isNull']?.(document.ownerId), /never missing/],
    [
      'an unknown option',
      () => build['eq']?.(document.ownerId, 'x', { reason: 'a.b' }),
      /not an option/,
    ],
    [
      'a code without an area',
      () => build['eq']?.(document.ownerId, 'x', { code: 'denied' }),
      /code must be/,
    ],
    [
      'a quantifier within another',
      () =>
        build['exists']?.(document.readers, () =>
          rule.exists(document.readers, (item) => rule.eq(item, 'x')),
        ),
      /no further exists/,
    ],
    [
      'an unknown zone',
      () => rule.during({ zone: 'Mars/Base', from: '09:00', to: '17:00' }),
      /not a time zone/,
    ],
    [
      'an empty window',
      () => rule.during({ zone: 'UTC', from: '09:00', to: '09:00' }),
      /window is empty/,
    ],
    ['no network', () => rule.peerIn([]), /at least one network/],
    ['a network that cannot be read', () => rule.peerIn(['10.0.0.1/8']), /bits set/],
    [
      'something that is not a relation',
      () => build['related']?.({ name: 'x', check: () => true }, caller.id, document.id),
      /must be made by relation/,
    ],
    [
      'a rule made by hand',
      () => requireRule({ rule: 'all', of: [], sync: true } as never),
      /not a rule/,
    ],
    ['nothing', () => requireRule(undefined as never), /not a rule/],
    [
      'a rule of a thousand and one leaves',
      () => rule.all(...Array.from({ length: 1_001 }, () => rule.eq(document.ownerId, 'x'))),
      /at most 1000 leaves/,
    ],
    [
      'a rule that is too deep',
      () =>
        Array.from({ length: 70 }).reduce<Rule<Facts>>(
          (inner) => rule.not(inner),
          rule.eq(document.ownerId, 'x'),
        ),
      /64 levels/,
    ],
  ])('%s', (_name, construct, message) => {
    expect(construct).toThrow(ConfigurationError);
    expect(construct).toThrow(message);
  });

  test('an item outside of its list', () => {
    let item: unknown;
    rule.exists(document.readers, (each) => {
      item = each;
      return rule.eq(each, 'x');
    });
    const escaped = rule.eq(item as never, 'x' as never);
    expect(() => requireRule(escaped)).toThrow(/outside of its/);
  });
});

describe('rules as data', () => {
  test('are equal where they say the same', () => {
    const one = rule.all(rule.eq(document.ownerId, 'x'), rule.role('admin'));
    const same = rule.all(rule.eq(document.ownerId, 'x'), rule.role('admin'));
    expect(equalRules(one, same)).toBe(true);
    expect(equalRules(one, rule.all(rule.role('admin'), rule.eq(document.ownerId, 'x')))).toBe(
      false,
    );
    expect(equalRules(one, rule.any(rule.eq(document.ownerId, 'x'), rule.role('admin')))).toBe(
      false,
    );
  });

  test('are frozen, down to their constants', () => {
    const values: ('draft' | 'published')[] = ['draft'];
    const of = rule.in(document.status, values);
    values.push('published');
    expect(printRule(of)).toBe('document.status in ["draft"]');
    expect(Object.isFrozen(of)).toBe(true);
  });

  test('are printed with their groups', () => {
    const of = rule.not(
      rule.any(
        rule.all(rule.isNull(document.department), rule.ge(document.size, 3)),
        rule.every(document.readers, (item) => rule.eq(item, 'a'), { orEmpty: true }),
      ),
    );
    expect(printRule(of)).toBe(
      '!((document.department is null && document.size >= 3) || every item in document.readers or empty (item == "a"))',
    );
  });
});
