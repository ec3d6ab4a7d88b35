import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { roleModel } from './role-model.ts';

/** Made anew by each test. */
const make = () =>
  roleModel({
    permissions: [
      'articles:read',
      'articles:write',
      'articles:comments:read',
      'users:read',
      'users:invite',
    ],
    roles: {
      reader: { grants: ['articles:read'] },
      editor: { includes: ['reader'], grants: ['articles:write'] },
      chief: { includes: ['editor'], grants: ['users:*'] },
      press: { grants: ['articles:*'] },
      auditor: { grants: ['*:read'] },
      admin: { grants: ['*'] },
    },
  });

describe('roleModel', () => {
  test.each([
    ['its own permission', 'reader', ['articles:read']],
    ['what it includes', 'editor', ['articles:read', 'articles:write']],
    [
      'what is included over two steps',
      'chief',
      ['articles:read', 'articles:write', 'users:invite', 'users:read'],
    ],
    [
      'all that begins with the segment before a last star',
      'press',
      ['articles:comments:read', 'articles:read', 'articles:write'],
    ],
    ['one segment for a star before the last', 'auditor', ['articles:read', 'users:read']],
    ['everything for a star alone', 'admin', [...make().permissions].toSorted()],
    ['nothing for a role that the model does not know', 'root', []],
    ['nothing for a name that every object has', '__proto__', []],
    ['nothing for a role in another case', 'Admin', []],
  ])('a role holds %s', (_name, role, permissions) => {
    expect([...make().permissionsOf([role])].toSorted()).toEqual(permissions);
  });

  test('several roles hold the sum of their permissions', () => {
    expect([...make().permissionsOf(['reader', 'auditor'])].toSorted()).toEqual([
      'articles:read',
      'users:read',
    ]);
  });

  test('its answers cannot be changed by their readers', () => {
    const model = make();
    const roles = model.rolesWith('users:invite') as Set<string>;
    expect(() => roles.add('reader')).toThrow(TypeError);
    expect([...model.rolesWith('users:invite')]).toEqual(['chief', 'admin']);
  });

  test('lists its roles, and says for each which others include it', () => {
    const model = make();
    expect(model.roles).toEqual(['reader', 'editor', 'chief', 'press', 'auditor', 'admin']);
    expect([...model.rolesIncluding('reader')]).toEqual(['reader', 'editor', 'chief']);
    expect([...model.rolesIncluding('chief')]).toEqual(['chief']);
  });

  test('denies unknown names, and lists the first twenty known ones', () => {
    const model = make();
    const known = 'Known: reader, editor, chief, press, auditor, admin.';
    expect(() => model.rolesIncluding('root' as never)).toThrow(
      `"root" is not a role of the model. ${known}`,
    );
    expect(() => model.rolesWith('x' as never)).toThrow('"x" is not a permission of the model.');
    const permissions = Array.from({ length: 30 }, (_, at) => `p${at}`);
    const large = roleModel({ permissions, roles: { all: { grants: ['*'] } } });
    expect(() => large.rolesWith('x')).toThrow(/Known: p0, .*, p19\.$/);
  });

  test('takes roles of an object without a prototype', () => {
    const roles = Object.assign(Object.create(null) as object, { r: { grants: ['a'] } });
    const model = roleModel({ permissions: ['a'], roles: roles as never });
    expect(model.roles).toEqual(['r']);
  });

  const permissions = ['a:read', 'a:write'];
  test.each<[string, unknown, RegExp]>([
    ['no options', undefined, /options must be an object/],
    [
      'an unknown option',
      { permissions, roles: { r: { grants: ['*'] } }, role: {} },
      /^roleModel: "role" is not an option/,
    ],
    [
      'no permission',
      { permissions: [], roles: { r: { grants: ['*'] } } },
      /permissions must be a list/,
    ],
    [
      'a number for a permission',
      { permissions: [7], roles: { r: { grants: ['*'] } } },
      /7 is not a valid permission\. Write segments of letters/,
    ],
    [
      'a permission twice',
      { permissions: ['a', 'a'], roles: { r: { grants: ['a'] } } },
      /listed twice/,
    ],
    [
      'a permission with a star',
      { permissions: ['a:*'], roles: { r: { grants: ['a:*'] } } },
      /not a valid permission/,
    ],
    [
      'a permission with an empty segment',
      { permissions: ['a:'], roles: {} },
      /not a valid permission/,
    ],
    ['no role', { permissions, roles: {} }, /at least one role/],
    ['a list of roles', { permissions, roles: [{ grants: ['*'] }] }, /must be an object of roles/],
    [
      'a role named __proto__',
      { permissions, roles: { __proto__: { grants: ['*'] } } },
      /must be an object of roles/,
    ],
    [
      'an unknown permission',
      { permissions, roles: { r: { grants: ['a:delete'] } } },
      /matches no permission/,
    ],
    [
      'a permission in another case',
      { permissions, roles: { r: { grants: ['A:read'] } } },
      /matches no permission/,
    ],
    [
      'a wildcard for nothing',
      { permissions, roles: { r: { grants: ['b:*'] } } },
      /matches no permission/,
    ],
    [
      'a wildcard inside a segment',
      { permissions, roles: { r: { grants: ['a:re*'] } } },
      /matches no permission/,
    ],
    [
      'an unknown role',
      { permissions, roles: { r: { includes: ['s'] } } },
      /not a role of the model/,
    ],
    ['roles that are null', { permissions, roles: null }, /must be an object of roles/],
    ['roles that are a text', { permissions, roles: 'r' }, /must be an object of roles/],
    ['roles that are missing', { permissions }, /must be an object of roles/],
    ['a role without a name', { permissions, roles: { ' ': { grants: ['*'] } } }, /needs a name/],
    [
      'a number for a grant',
      { permissions, roles: { r: { grants: [7] } } },
      /matches no permission/,
    ],
    ['a role that grants nothing', { permissions, roles: { r: {} } }, /grants nothing/],
    [
      'a misspelled member',
      { permissions, roles: { r: { grant: ['*'] } } },
      /role "r": "grant" is not an option/,
    ],
    ['grants that are a text', { permissions, roles: { r: { grants: '*' } } }, /must be lists/],
    [
      'a role that includes itself',
      { permissions, roles: { r: { grants: ['*'], includes: ['r'] } } },
      /circle: r -> r/,
    ],
    [
      'roles that include each other',
      {
        permissions,
        roles: {
          r: { grants: ['*'], includes: ['s'] },
          s: { includes: ['t'] },
          t: { includes: ['r'] },
        },
      },
      /circle: r -> s -> t -> r/,
    ],
  ])('cannot be constructed with %s', (_name, options, message) => {
    const construct = () => roleModel(options as never);
    expect(construct).toThrow(ConfigurationError);
    expect(construct).toThrow(message);
  });

  test('a diamond of roles is not a circle', () => {
    const diamond = roleModel({
      permissions: ['a', 'b'],
      roles: {
        base: { grants: ['a'] },
        left: { includes: ['base'] },
        right: { includes: ['base'] },
        top: { includes: ['left', 'right'], grants: ['b'] },
      },
    });
    expect([...diamond.rolesIncluding('base')].toSorted()).toEqual([
      'base',
      'left',
      'right',
      'top',
    ]);
    expect([...diamond.permissionsOf(['top'])]).toEqual(['b', 'a']);
  });
});
