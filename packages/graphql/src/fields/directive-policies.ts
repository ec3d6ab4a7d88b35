import {
  allOf,
  anyOf,
  definePolicy,
  deny,
  type GraphqlFacts,
  type Outcome,
  type Policy,
  type Principal,
  pass,
  type Role,
} from '@apisec/core';
import { assertConfiguration, assertKnownOptions } from '@apisec/core/host';
import {
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
} from 'graphql';
import { defaultOf } from '../limits/plain-values.ts';
import type { FieldFacts } from './field-facts.ts';
import { type DirectiveCarrier, directivesOn, namesOfDirective } from './schema-directives.ts';

/** How directives of the schema are read as policies. */
export interface FieldDirectivesOptions {
  /** What the names in `@policy(policies:)` mean. A name without an entry does not start. */
  readonly policies?:
    | Readonly<Record<string, Policy<GraphqlFacts & FieldFacts, object, Role>>>
    | undefined;
  /** The caller's role for each name in `@auth(requires:)`. Default: the name itself. */
  readonly roles?: Readonly<Record<string, string>> | undefined;
}

type AnyPolicy = Policy<never, object, Role>;
type Reader = (args: Readonly<Record<string, unknown>>, where: string) => AnyPolicy;

/**
 * The policies that directives of a schema ask for, by coordinate of a field (`User.email`) or name of a type (`User`).
 *
 * `@authenticated`: somebody was identified. `@requiresScopes(scopes: [["a", "b"], ["c"]])`: `a` and `b`, or `c`.
 * `@policy(policies: …)`: the same with policies of `options`. `@auth(requires: ADMIN)`: the role; of a list, any.
 * Several on one place, on a field and its interface, or on a field and its type: all of them.
 *
 * @throws ConfigurationError for a policy without an entry, arguments that say nothing, and a directive on an argument,
 * an input type, a field of one or a value of an enum, where it would guard nothing.
 */
export function directivePolicies(
  schema: GraphQLSchema,
  options: FieldDirectivesOptions = {},
): readonly (readonly [string, AnyPolicy])[] {
  assertKnownOptions('directives', options, ['policies', 'roles']);
  const { policies = {}, roles = {} } = options;
  const readers: Readonly<Record<string, Reader>> = {
    authenticated: () => AUTHENTICATED,
    requiresScopes: ({ scopes }, where) => requireScopeLists(listsOf(scopes, where)),
    policy: ({ policies: names }, where) =>
      requirePolicyLists(listsOf(names, where), policies, where),
    auth: ({ requires }, where) => requireRoles(rolesOf(requires, where), roles),
  };
  const readerOf = new Map<string, Reader>();
  for (const [name, reader] of Object.entries(readers)) {
    const names = name === 'auth' ? [name] : namesOfDirective(schema, name);
    for (const each of names) readerOf.set(each, reader);
  }
  const found: (readonly [string, AnyPolicy])[] = [];
  const read = (where: string, carrier: DirectiveCarrier): void => {
    for (const { name, args } of directivesOn(carrier)) {
      const reader = readerOf.get(name);
      if (!reader) continue;
      const given = { ...defaultsOf(schema, name), ...args };
      found.push([where, reader(given, `@${name} on ${where}`)]);
    }
  };
  /** Nothing is asked about what callers send, so nobody may rely on a directive there. */
  const refuse = (where: string, carrier: DirectiveCarrier): void => {
    const ignored = directivesOn(carrier).find(({ name }) => readerOf.has(name));
    assertConfiguration(
      ignored === undefined,
      `directives: @${ignored?.name} on ${where} guards nothing. Put it on a field, or on a type that fields return.`,
    );
  };
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue;
    if (isInputObjectType(type)) {
      refuse(type.name, type);
      for (const field of Object.values(type.getFields())) {
        refuse(`${type.name}.${field.name}`, field);
      }
      continue;
    }
    read(type.name, type);
    if (isEnumType(type)) {
      for (const value of type.getValues()) refuse(`${type.name}.${value.name}`, value);
    }
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      const where = `${type.name}.${field.name}`;
      read(where, field);
      for (const argument of field.args) refuse(`${where}(${argument.name}:)`, argument);
    }
  }
  return found;
}

/** What the definition of a directive says where its use says nothing: `@auth` of `requires: Role = ADMIN`. */
function defaultsOf(schema: GraphQLSchema, name: string): Readonly<Record<string, unknown>> {
  const args = schema.getDirective(name)?.args ?? [];
  return Object.fromEntries(
    args.flatMap((argument) => {
      const value = defaultOf(argument);
      return value === undefined ? [] : [[argument.name, value]];
    }),
  );
}

function principalIn(facts: object): Principal | undefined {
  // The guard above may identify nobody; then this is not there.
  return (facts as { readonly principal?: Principal }).principal;
}

const MISSING = Object.freeze(deny('unauthenticated', 'principal.missing'));

/** A check on the caller alone, so that it is asked once for each coordinate and operation. */
function requireOfCaller(name: string, holds: (principal: Principal) => Outcome): AnyPolicy {
  const policy = definePolicy({
    name,
    role: 'check',
    needs: [],
    adds: [],
    check: (_request, facts: object) => {
      const principal = principalIn(facts);
      return principal === undefined ? MISSING : holds(principal);
    },
  });
  return policy;
}

const AUTHENTICATED = requireOfCaller('@authenticated', () => pass());

function requireScopeLists(lists: readonly (readonly string[])[]): AnyPolicy {
  const denied = Object.freeze(deny('forbidden', 'scope.insufficient'));
  return requireOfCaller('@requiresScopes', ({ scopes }) =>
    lists.some((all) => all.every((scope) => scopes.has(scope))) ? pass() : denied,
  );
}

function requireRoles(
  names: readonly string[],
  roles: Readonly<Record<string, string>>,
): AnyPolicy {
  const wanted = names.map((name) => (Object.hasOwn(roles, name) ? roles[name] : name) as string);
  const denied = Object.freeze(deny('forbidden', 'role.insufficient'));
  return requireOfCaller('@auth', (principal) =>
    wanted.some((role) => principal.roles.has(role)) ? pass() : denied,
  );
}

function requirePolicyLists(
  lists: readonly (readonly string[])[],
  policies: NonNullable<FieldDirectivesOptions['policies']>,
  where: string,
): AnyPolicy {
  const every = lists.map((names) => {
    const parts = names.map((name) => {
      assertConfiguration(
        Object.hasOwn(policies, name),
        `directives: ${where} names "${name}", which has no entry in directives.policies.`,
      );
      return policies[name] as Untyped;
    });
    return parts.length === 1 ? (parts[0] as Untyped) : all(...parts);
  });
  return (every.length === 1 ? every[0] : any(...every)) as AnyPolicy;
}

type Untyped = Policy<object, object, Role>;
// What each needs was checked where the map was typed; how many there are, the schema says.
const all = allOf as unknown as (...parts: readonly Untyped[]) => Untyped;
const any = anyOf as unknown as (...parts: readonly Untyped[]) => Untyped;

/** Lists of lists: one of them, all of it. A list without names would admit everybody, so it does not start. */
function listsOf(value: unknown, where: string): readonly (readonly string[])[] {
  const outer: readonly unknown[] = Array.isArray(value) ? value : [value];
  const isFlat = outer.every((each) => typeof each === 'string');
  // GraphQL coerces a single value to a list of it.
  const lists: readonly unknown[] = isFlat ? outer.map((each) => [each]) : outer;
  const isValid =
    lists.length > 0 &&
    lists.every(
      (list) =>
        Array.isArray(list) &&
        list.length > 0 &&
        list.every((name) => typeof name === 'string' && name.trim() !== ''),
    );
  assertConfiguration(
    isValid,
    `directives: ${where} must have lists of names, like [["read", "write"], ["admin"]].`,
  );
  // Each was found to be a string.
  return lists as readonly (readonly string[])[];
}

function rolesOf(value: unknown, where: string): readonly string[] {
  const names: readonly unknown[] = Array.isArray(value) ? value : [value];
  assertConfiguration(
    names.length > 0 && names.every((name) => typeof name === 'string' && name.trim() !== ''),
    `directives: ${where} must say which role it requires, like @auth(requires: ADMIN).`,
  );
  return names as readonly string[];
}
