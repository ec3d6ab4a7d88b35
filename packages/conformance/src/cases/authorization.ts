import { CHIEF } from '../authorization-policies.ts';
import { type Case, type Expectation, honest } from '../case.ts';

const forbidden = (code: string): Expectation => ({ allowed: false, kind: 'forbidden', code });
const allowed: Expectation = { allowed: true };

const withClaims =
  (claims: Readonly<Record<string, unknown>>): NonNullable<Case['authorization']> =>
  async ({ token }) =>
    `Bearer ${await token({ claims })}`;
const subjectLike = (prefix: string): NonNullable<Case['authorization']> =>
  withClaims({ sub: `${prefix}${crypto.randomUUID()}` });

const called = (
  operation: string,
  name: string,
  authorization: NonNullable<Case['authorization']>,
  expect: Expectation,
): Case => ({ name, operation, authorization, expect });

/** Roles, permissions, rules, and what comes in and goes out. */
export const authorizationCases: readonly Case[] = [
  called('permitted', 'a role whose wildcard grants it', withClaims({ roles: ['chief'] }), allowed),
  called(
    'permitted',
    'a role that grants something else',
    withClaims({ roles: ['clerk'] }),
    forbidden('permission.insufficient'),
  ),
  called(
    'permitted',
    'a role that the model does not know',
    withClaims({ roles: ['root', 'constructor'] }),
    forbidden('permission.insufficient'),
  ),
  called('permitted', 'no role', honest, forbidden('permission.insufficient')),
  called('assigned', 'a role from a store', subjectLike(CHIEF), allowed),
  called(
    'assigned',
    'a role in the token where the store counts',
    withClaims({ sub: crypto.randomUUID(), roles: ['chief'] }),
    forbidden('permission.insufficient'),
  ),
  called('rolesDown', 'a store of roles that does not answer', subjectLike(CHIEF), {
    allowed: false,
    kind: 'unavailable',
    code: 'roles.unavailable',
    retryAfter: true,
  }),
  called('ruled', 'an attribute that a rule asks for', withClaims({ level: 3 }), allowed),
  called(
    'ruled',
    'an attribute that is not enough',
    withClaims({ level: 2 }),
    forbidden('order.level_too_low'),
  ),
  called(
    'ruled',
    'an attribute of another type',
    withClaims({ level: '3' }),
    forbidden('order.level_too_low'),
  ),
  called('ruled', 'an attribute that is missing', honest, forbidden('order.level_too_low')),
  called(
    'ruled',
    'a role that a rule excludes',
    withClaims({ level: 3, roles: ['guest'] }),
    forbidden('rule.denied'),
  ),
  {
    name: 'a body that fits its schema',
    operation: 'validated',
    authorization: honest,
    message: { amount: 5 },
    needs: 'bodies',
    expect: { allowed: true, reply: { amount: 5 } },
  },
  {
    name: 'a body with a member that no schema names',
    operation: 'validated',
    authorization: honest,
    message: { amount: 5, isAdmin: true },
    needs: 'bodies',
    expect: { allowed: false, kind: 'malformed', code: 'input.unknown_member' },
  },
  {
    name: 'a body that does not fit its schema',
    operation: 'validated',
    authorization: honest,
    message: { amount: -5 },
    needs: 'bodies',
    expect: { allowed: false, kind: 'malformed', code: 'input.invalid' },
  },
  called('shaped', 'a reply with a member that no shape names', honest, {
    allowed: true,
    reply: { id: 'order-1' },
    hides: ['s3cret'],
  }),
  {
    name: 'a reply with a member that a role may see',
    operation: 'shaped',
    authorization: withClaims({ roles: ['chief'] }),
    message: { amount: 4711 },
    expect: { allowed: true, reply: { id: 'order-1', amount: 4711 }, hides: ['s3cret'] },
  },
  {
    name: 'a reply with a member that nobody else may see',
    operation: 'shaped',
    authorization: withClaims({ roles: ['clerk'] }),
    message: { amount: 4711 },
    expect: { allowed: true, reply: { id: 'order-1' }, hides: ['s3cret', '4711'] },
  },
  called('leaking', 'a reply with an object of another tenant', honest, {
    allowed: false,
    kind: 'internal',
    code: 'tenant.leak',
    handled: true,
  }),
];
