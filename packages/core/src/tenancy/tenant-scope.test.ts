import { describe, expect, test } from 'vitest';
import { field } from '../authorization/field.ts';
import { resource } from '../authorization/resource.ts';
import { toPredicate } from '../authorization/to-predicate.ts';
import { toSql } from '../authorization/to-sql.ts';
import { type TenantScope, tenantScope } from './tenant-scope.ts';

const fields = { id: field.text(), tenantId: field.text() };
const document = resource({
  name: 'document',
  fields,
  id: 'id',
  tenant: { field: 'tenantId', of: ({ tenant }: { tenant: string }) => tenant },
});
const columns = { id: 'text', tenantId: 'text' } as const;
const country = resource({ name: 'country', fields, id: 'id', tenant: false });
const acme = tenantScope({ tenant: 'acme' });

describe('tenantScope', () => {
  test('is a filter for the one tenant, as a parameter', () => {
    const { text, params } = toSql(document, { dialect: 'postgresql', columns })(
      acme.plan(document),
    );
    expect(new Set(params)).toEqual(new Set(['acme']));
    expect(text).toContain('"tenantId"');
    expect(text).not.toContain('acme');
  });

  test.each<[string, unknown, boolean]>([
    ['an object of the tenant', { tenantId: 'acme' }, true],
    ['one of another', { tenantId: 'evil' }, false],
    ['one in another case', { tenantId: 'Acme' }, false],
    ['one with a blank', { tenantId: 'acme ' }, false],
    ['one without a tenant', {}, false],
    ['one with null', { tenantId: null }, false],
    ['one with a list', { tenantId: ['acme'] }, false],
    ['one that inherits it', Object.create({ tenantId: 'acme' }), false],
    ['nothing', null, false],
    ['a text', 'acme', false],
  ])('%s: filter and single look agree', (_name, object, expected) => {
    expect(acme.owns(document, object)).toBe(expected);
    expect(toPredicate(document)(acme.plan(document))(object)).toBe(expected);
  });

  test('stamps what is written, and nothing for another tenant', () => {
    expect(acme.stamp(document, { id: '1' })).toEqual({ id: '1', tenantId: 'acme' });
    expect(acme.stamp(document, { id: '1', tenantId: 'acme' })).toEqual({
      id: '1',
      tenantId: 'acme',
    });
    for (const tenantId of ['evil', null, undefined, ['acme']]) {
      expect(() => acme.stamp(document, { id: '1', tenantId })).toThrow(
        /not the tenant of the call/,
      );
    }
  });

  test('makes keys that no two tenants share', () => {
    const keys = [
      acme.key('a', 'b'),
      acme.key('a,b'),
      acme.key('a","b'),
      acme.key(),
      acme.key(''),
      tenantScope({ tenant: 'acme,a' }).key('b'),
      tenantScope({ tenant: 'acme","a' }).key('b'),
      tenantScope({ tenant: 'acm' }).key('e', 'a', 'b'),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('does not change with the facts that it was made of', () => {
    const facts = { tenant: 'acme' };
    const scope = tenantScope(facts);
    facts.tenant = 'evil';
    expect(scope.tenant).toBe('acme');
    expect(Object.isFrozen(scope)).toBe(true);
  });

  test.each<unknown>([
    undefined,
    null,
    {},
    { tenant: '' },
    { tenant: 7 },
    { tenant: ['acme'] },
    { tenant: '__proto__' },
  ])('does not exist without a tenant: %#', (facts) => {
    expect(() => tenantScope(facts as never)).toThrow(/resolveTenant/);
  });

  test('does not exist for data without tenants', () => {
    expect(() => acme.plan(country)).toThrow(/says tenant: false/);
    expect(() => acme.owns(country, { tenantId: 'acme' })).toThrow(/says tenant: false/);
    expect(() => acme.plan({ name: 'document' } as never)).toThrow(/made by resource/);
  });

  test('cannot be left out, and is not written by hand', () => {
    const list = (scope: TenantScope) => scope.tenant;
    // @ts-expect-error: a text that came from somewhere is not a scope
    expect(list('acme')).toBeUndefined();
    const lookalike = { ...acme, tenant: 'globex' } as Omit<TenantScope, never>;
    // @ts-expect-error: neither is an object that looks like one
    expect(list(lookalike as Pick<typeof lookalike, 'tenant' | 'plan'>)).toBe('globex');
    // @ts-expect-error: a renderer needs a plan
    expect(() => toSql(document, { dialect: 'postgresql', columns })()).toThrow();
  });
});
