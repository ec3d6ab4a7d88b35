import { assertConfiguration } from '../lib/configuration-error.ts';
import { frozenSet } from '../lib/freeze-deep.ts';
import { assertKnownOptions } from '../lib/options.ts';

/**
 * Permissions as a role names them: one by its name, or many with `*` for a segment. A last `*` stands for all
 * segments that are left, so `articles:*` is every permission that begins with `articles:`, and `*` is all.
 */
export type PermissionPattern<P extends string> = P extends `${infer Head}:${infer Tail}`
  ? '*' | `${Head | '*'}:${PermissionPattern<Tail>}`
  : P | '*';

/** What one role may do: its own permissions, and those of the roles that it includes. */
export interface RoleDefinition<R extends string, P extends string> {
  readonly grants?: readonly PermissionPattern<P>[] | undefined;
  /** Roles that this role includes. */
  readonly includes?: readonly R[] | undefined;
}

/** Options of {@link roleModel}. */
export interface RoleModelOptions<R extends string, P extends string> {
  /** Every permission there is, as `subject:verb` or with more segments. */
  readonly permissions: readonly P[];
  readonly roles: Readonly<Record<R, RoleDefinition<NoInfer<R>, NoInfer<P>>>>;
}

/** Which roles hold which permission: what `requirePermission` reads of a model. */
export interface PermissionHolders<in P extends string> {
  /** The roles that hold a permission, their own or by inclusion. */
  readonly rolesWith: (permission: P) => ReadonlySet<string>;
}

/** Which roles include which: what `requireRole` reads of a model. */
export interface RoleInclusions<in R extends string> {
  /** The role itself, and those that include it. */
  readonly rolesIncluding: (role: R) => ReadonlySet<string>;
}

/** Roles and what they may do, worked out once. Made by {@link roleModel}. */
export interface RoleModel<R extends string, P extends string>
  extends PermissionHolders<P>,
    RoleInclusions<R> {
  readonly permissions: readonly P[];
  readonly roles: readonly R[];
  /** What the roles may do together. Names that the model does not know add nothing. */
  readonly permissionsOf: (roles: Iterable<string>) => ReadonlySet<P>;
}

/** Segments of letters, digits, `_`, `-` and `.`, joined by colons. */
const PERMISSION = /^[A-Za-z0-9_.-]{1,64}(?::[A-Za-z0-9_.-]{1,64}){0,7}$/;

/**
 * Roles and their permissions as data. Inclusion and wildcards are worked out here, so that a check costs the
 * same with ten permissions and with ten thousand. A role or permission that the model does not know does not
 * compile, and is rejected at construction.
 *
 * @throws ConfigurationError for an unknown role or permission, a wildcard that stands for nothing, roles that
 * include each other in a circle, and a role that grants nothing.
 * @example
 * const model = roleModel({
 *   permissions: ['articles:read', 'articles:write', 'articles:publish', 'users:invite'],
 *   roles: {
 *     reader: { grants: ['articles:read'] },
 *     editor: { includes: ['reader'], grants: ['articles:write'] },
 *     admin: { grants: ['*'] },
 *   },
 * });
 * const publish = requirePermission(model, 'articles:publish');
 */
export function roleModel<const P extends string, R extends string>(
  options: RoleModelOptions<R, P>,
): RoleModel<R, P> {
  assertKnownOptions('roleModel', options, ['permissions', 'roles']);
  const permissions = readPermissions(options.permissions);
  const definitions = readDefinitions<R, P>(options.roles);
  const held = new Map<R, ReadonlySet<P>>();
  const included = new Map<R, ReadonlySet<R>>();
  for (const role of definitions.keys()) visit(role, []);

  const rolesWith = new Map<P, Set<R>>(permissions.map((permission) => [permission, new Set()]));
  const rolesIncluding = new Map<R, Set<R>>([...held.keys()].map((role) => [role, new Set()]));
  for (const [role, own] of held) {
    assertConfiguration(own.size > 0, `roleModel: role "${role}" grants nothing. Give it grants.`);
    for (const permission of own) rolesWith.get(permission)?.add(role);
    for (const part of included.get(role) ?? []) rolesIncluding.get(part)?.add(role);
  }

  /** Depth first; `path` is how it came here, so that a circle is told with its roles. */
  function visit(role: R, path: readonly R[]): void {
    if (held.has(role)) return;
    assertConfiguration(
      !path.includes(role),
      `roleModel: roles include each other in a circle: ${[...path, role].join(' -> ')}.`,
    );
    const { grants = [], includes = [] } = definitions.get(role) ?? {};
    const own = new Set(grants.flatMap((pattern) => matching(role, pattern, permissions)));
    const roles = new Set([role]);
    for (const part of includes) {
      assertConfiguration(
        definitions.has(part),
        `roleModel: role "${role}" includes ${JSON.stringify(part)}, which is not a role of the model.`,
      );
      visit(part, [...path, role]);
      for (const permission of held.get(part) ?? []) own.add(permission);
      for (const inner of included.get(part) ?? []) roles.add(inner);
    }
    held.set(role, own);
    included.set(role, roles);
  }

  return Object.freeze<RoleModel<R, P>>({
    permissions,
    roles: Object.freeze([...definitions.keys()]),
    rolesWith: lookUp('permission', freezeSets(rolesWith)),
    rolesIncluding: lookUp('role', freezeSets(rolesIncluding)),
    permissionsOf: (roles) => {
      const all = new Set<P>();
      // A name that is not in the model adds nothing.
      for (const role of roles)
        for (const permission of held.get(role as R) ?? []) all.add(permission);
      return all;
    },
  });
}

function readPermissions<P extends string>(permissions: readonly P[]): readonly P[] {
  assertConfiguration(
    Array.isArray(permissions) && permissions.length > 0,
    "roleModel: permissions must be a list of names: ['articles:read', 'articles:write'].",
  );
  for (const permission of permissions) {
    assertConfiguration(
      typeof permission === 'string' && PERMISSION.test(permission),
      `roleModel: ${JSON.stringify(permission)} is not a valid permission. ` +
        "Write segments of letters, digits, '_', '-' and '.', joined by colons: 'articles:read'.",
    );
  }
  assertConfiguration(
    new Set(permissions).size === permissions.length,
    'roleModel: a permission is listed twice.',
  );
  return Object.freeze([...permissions]);
}

function readDefinitions<R extends string, P extends string>(
  roles: RoleModelOptions<R, P>['roles'],
): ReadonlyMap<R, RoleDefinition<R, P>> {
  const prototype: unknown =
    typeof roles === 'object' && roles !== null ? Object.getPrototypeOf(roles) : undefined;
  assertConfiguration(
    // `{ __proto__: { grants } }` would be a role that nobody finds.
    prototype === Object.prototype || prototype === null,
    "roleModel: roles must be an object of roles: { editor: { grants: ['articles:*'] } }.",
  );
  // Object.entries gives the own keys, which are those of the type.
  const entries = Object.entries(roles) as [R, RoleDefinition<R, P>][];
  assertConfiguration(entries.length > 0, 'roleModel: roles must name at least one role.');
  for (const [role, definition] of entries) {
    assertConfiguration(role.trim() !== '', 'roleModel: a role needs a name.');
    assertKnownOptions(`roleModel, role "${role}"`, definition, ['grants', 'includes']);
    for (const list of [definition.grants, definition.includes]) {
      assertConfiguration(
        list === undefined || Array.isArray(list),
        `roleModel, role "${role}": grants and includes must be lists.`,
      );
    }
  }
  return new Map(entries);
}

function matching<P extends string>(role: string, pattern: string, all: readonly P[]): P[] {
  const found = all.filter((permission) => matches(pattern, permission));
  assertConfiguration(
    found.length > 0,
    `roleModel: role "${role}" grants ${JSON.stringify(pattern)}, which matches no permission of the model.`,
  );
  return found;
}

function matches(pattern: string, permission: string): boolean {
  if (typeof pattern !== 'string' || !pattern.includes('*')) return pattern === permission;
  const wanted = pattern.split(':');
  const segments = permission.split(':');
  const open = wanted.at(-1) === '*';
  if (open ? segments.length < wanted.length : segments.length !== wanted.length) return false;
  return wanted.every((part, at) => part === '*' || part === segments[at]);
}

function freezeSets<K, V extends string>(
  sets: ReadonlyMap<K, ReadonlySet<V>>,
): ReadonlyMap<K, ReadonlySet<V>> {
  // frozenSet keeps the values that it is given, and so their type.
  return new Map([...sets].map(([key, set]) => [key, frozenSet(set) as ReadonlySet<V>]));
}

function lookUp<K extends string, V>(kind: string, table: ReadonlyMap<K, V>): (name: K) => V {
  return (name) => {
    const found = table.get(name);
    assertConfiguration(
      found !== undefined,
      `${JSON.stringify(name)} is not a ${kind} of the model. Known: ${[...table.keys()].slice(0, 20).join(', ')}.`,
    );
    return found;
  };
}
