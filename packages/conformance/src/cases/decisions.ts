import { LIMIT, ORIGIN } from '../api.ts';
import { type Case, type Expectation, honest } from '../case.ts';
import type { Credentials } from '../credentials.ts';
import { INTERNAL } from '../credentials.ts';

type Authorization = (credentials: Credentials) => Promise<string>;

const withScope =
  (scope: string): Authorization =>
  async ({ token }) =>
    `Bearer ${await token({ claims: { scope } })}`;

const withRoles =
  (roles: unknown): Authorization =>
  async ({ token }) =>
    `Bearer ${await token({ claims: { roles, scope: 'profile' } })}`;

const admin = withRoles(['admin']);

const forbidden = (code: string) => ({ allowed: false, kind: 'forbidden', code }) as const;

const noScope: Expectation = {
  ...forbidden('scope.insufficient'),
  challenge: ['Bearer', 'error="insufficient_scope"'],
};

function fault(name: string, operation: string, code: string): Case {
  return {
    name,
    operation,
    authorization: honest,
    expect: { allowed: false, kind: 'internal', code },
  };
}

/** One subject for all calls of a case, so that they meet in one bucket. */
function oneCaller(): Authorization {
  const sub = crypto.randomUUID();
  return async ({ token }) => `Bearer ${await token({ claims: { sub } })}`;
}

/** Who may do what. */
export const grantCases: readonly Case[] = [
  { name: 'anyone, where that is said', operation: 'open', expect: { allowed: true } },
  {
    name: 'an honest token',
    operation: 'list',
    authorization: honest,
    expect: { allowed: true, reply: { id: 'order-1' } },
  },
  {
    name: 'any identified caller, where that is said',
    operation: 'member',
    authorization: withScope(''),
    expect: { allowed: true },
  },
  {
    name: 'the wrong scope',
    operation: 'list',
    authorization: withScope('orders'),
    expect: noScope,
  },
  { name: 'no scope', operation: 'list', authorization: withScope(''), expect: noScope },
  {
    name: 'the scope in capitals',
    operation: 'list',
    authorization: withScope('ORDERS:READ'),
    expect: noScope,
  },
  { name: 'one scope of two', operation: 'both', authorization: honest, expect: noScope },
  {
    name: 'two scopes of two',
    operation: 'both',
    authorization: withScope('orders:write orders:read'),
    expect: { allowed: true },
  },
  { name: 'the role', operation: 'admin', authorization: admin, expect: { allowed: true } },
  {
    name: 'no role',
    operation: 'admin',
    authorization: honest,
    expect: forbidden('role.insufficient'),
  },
  {
    name: 'a role that begins alike',
    operation: 'admin',
    authorization: withRoles(['administrator']),
    expect: forbidden('role.insufficient'),
  },
  {
    name: 'the role as an alternative to the scope',
    operation: 'either',
    authorization: admin,
    expect: { allowed: true },
  },
  {
    name: 'the scope as an alternative to the role',
    operation: 'either',
    authorization: honest,
    expect: { allowed: true },
  },
  {
    name: 'neither alternative',
    operation: 'either',
    authorization: withScope('profile'),
    expect: { allowed: false, kind: 'forbidden', code: 'role.insufficient' },
  },
  {
    name: 'a condition that does not hold',
    operation: 'sometimes',
    authorization: honest,
    expect: { allowed: true },
  },
  {
    name: 'a condition that holds',
    operation: 'sometimes',
    authorization: honest,
    headers: [['x-strict', '1']],
    expect: forbidden('role.insufficient'),
  },
  {
    name: 'an operation that is served but not listed',
    operation: 'unlisted',
    authorization: honest,
    expect: forbidden('operation.unlisted'),
  },
  {
    name: 'an unlisted operation without credentials',
    operation: 'unlisted',
    expect: forbidden('operation.unlisted'),
  },
];

/** Limits. */
export const limitCases: readonly Case[] = [
  {
    name: 'the last call within the limit',
    operation: 'limited',
    authorization: oneCaller(),
    after: LIMIT - 1,
    expect: { allowed: true },
  },
  {
    name: 'the first call over the limit',
    operation: 'limited',
    authorization: oneCaller(),
    after: LIMIT,
    expect: { allowed: false, kind: 'rate_limited', code: 'limit.exceeded', retryAfter: true },
  },
  {
    name: 'denied calls that go on',
    operation: 'limited',
    authorization: oneCaller(),
    after: LIMIT + 3,
    expect: { allowed: false, kind: 'rate_limited', code: 'limit.exceeded', retryAfter: true },
  },
];

/** Faults of the server, and policies that misbehave. */
export const faultCases: readonly Case[] = [
  {
    name: 'a key server that is down',
    operation: 'keysDown',
    authorization: honest,
    expect: { allowed: false, kind: 'unavailable', code: 'keys.unavailable', retryAfter: true },
  },
  {
    name: 'a key server that is down, and no credentials',
    operation: 'keysDown',
    expect: { allowed: false, kind: 'unauthenticated', code: 'credentials.missing' },
  },
  fault('a policy that throws', 'throwing', 'policy.threw'),
  fault('a policy that rejects', 'rejecting', 'policy.threw'),
  fault('a policy that answers true', 'answersTrue', 'policy.invalid_outcome'),
  fault('a policy that answers nothing', 'answersNothing', 'policy.invalid_outcome'),
  fault('a policy that answers nonsense later', 'answersLater', 'policy.invalid_outcome'),
  fault('a policy that invents a kind of denial', 'answersUnknownKind', 'policy.invalid_outcome'),
  fault('a policy that replaces the principal', 'addsTwice', 'policy.fact_conflict'),
  fault('a policy that adds to every object', 'addsProto', 'policy.fact_conflict'),
  {
    name: 'a proof that nobody brings',
    operation: 'owesProof',
    authorization: honest,
    expect: { allowed: false, kind: 'unauthenticated', code: 'proof.missing' },
  },
  {
    name: 'policies in shadow mode that would deny',
    operation: 'shadowed',
    authorization: honest,
    expect: { allowed: true },
  },
  {
    name: 'policies in shadow mode do not open what others close',
    operation: 'shadowed',
    authorization: withScope('profile'),
    expect: noScope,
  },
  {
    name: 'a policy that takes its time',
    operation: 'slow',
    authorization: honest,
    expect: { allowed: true },
  },
  {
    name: 'an audit that throws',
    operation: 'completeThrows',
    authorization: honest,
    expect: { allowed: true },
  },
];

/** Bodies in and out. */
export const bodyCases: readonly Case[] = [
  {
    name: 'a body as it should be',
    operation: 'create',
    authorization: honest,
    message: { amount: 5 },
    expect: { allowed: true, reply: { amount: 5 } },
  },
  {
    name: 'a body that the policy denies',
    operation: 'create',
    authorization: honest,
    message: { amount: -5 },
    expect: { allowed: false, kind: 'malformed', code: 'order.amount_invalid' },
  },
  {
    name: 'no body where one is asked for',
    operation: 'create',
    authorization: honest,
    expect: { allowed: false, kind: 'malformed', code: 'order.amount_invalid' },
  },
  {
    name: 'a body without the right to send it',
    operation: 'create',
    message: { amount: 5 },
    expect: { allowed: false, kind: 'unauthenticated', code: 'credentials.missing' },
  },
  {
    name: 'a body that the policy replaces',
    operation: 'replaced',
    authorization: honest,
    message: { amount: 5 },
    expect: { allowed: true, reply: { amount: 42 } },
  },
  {
    ...fault('a body inspection that throws', 'messageThrows', 'policy.threw'),
    message: { amount: 5 },
  },
  {
    ...fault(
      'a body inspection that answers nonsense',
      'messageNonsense',
      'policy.invalid_outcome',
    ),
    message: { amount: 5 },
  },
  {
    name: 'a body inspection in shadow mode',
    operation: 'messageShadow',
    authorization: honest,
    message: { amount: -5 },
    expect: { allowed: true, reply: { amount: -5 } },
  },
  {
    name: 'a QUERY with a body as it should be',
    operation: 'create',
    method: 'QUERY',
    authorization: honest,
    message: { amount: 5 },
    needs: 'query',
    expect: { allowed: true, reply: { amount: 5 } },
  },
  {
    name: 'a QUERY with a body that the policy denies',
    operation: 'create',
    method: 'QUERY',
    authorization: honest,
    message: { amount: -5 },
    needs: 'query',
    expect: { allowed: false, kind: 'malformed', code: 'order.amount_invalid' },
  },
  {
    name: 'a QUERY whose body is of a type that nobody parses',
    operation: 'create',
    method: 'QUERY',
    authorization: honest,
    body: { type: 'text/plain', text: '{"amount":5}' },
    needs: 'bodies',
    expect: { allowed: false, kind: 'unsupported', code: 'message.type_unsupported' },
  },
  {
    name: 'a QUERY without the right to ask',
    operation: 'create',
    method: 'QUERY',
    message: { amount: 5 },
    needs: 'query',
    expect: { allowed: false, kind: 'unauthenticated', code: 'credentials.missing' },
  },
  {
    name: 'a body that is not JSON',
    operation: 'create',
    authorization: honest,
    body: { type: 'application/json', text: '{"amount":' },
    needs: 'bodies',
    expect: { allowed: false, kind: 'malformed', code: 'message.malformed' },
  },
  {
    name: 'a body of a type that nobody parses',
    operation: 'create',
    authorization: honest,
    body: { type: 'text/plain', text: '{"amount":5}' },
    needs: 'bodies',
    expect: { allowed: false, kind: 'unsupported', code: 'message.type_unsupported' },
  },
  {
    name: 'a body that only looks like JSON to who reads half of its type',
    operation: 'create',
    authorization: honest,
    body: { type: 'application/jsonx', text: '{"amount":5}' },
    needs: 'bodies',
    expect: { allowed: false, kind: 'unsupported', code: 'message.type_unsupported' },
  },
  {
    name: 'a body in a charset that nobody reads',
    operation: 'create',
    authorization: honest,
    body: { type: 'application/json; charset=iso-8859-1', text: '{"amount":5}' },
    needs: 'bodies',
    expect: { allowed: false, kind: 'unsupported', code: 'message.unsupported' },
  },
  {
    name: 'a body that is too large',
    operation: 'create',
    authorization: honest,
    body: { type: 'application/json', text: `{"amount":5,"pad":"${'x'.repeat(20_000)}"}` },
    needs: 'bodies',
    expect: { allowed: false, kind: 'too_large', code: 'message.too_large' },
  },
  {
    name: 'a reply with its secret hidden',
    operation: 'filtered',
    authorization: honest,
    expect: { allowed: true, reply: { id: 'order-1', secret: 'hidden' } },
  },
  {
    name: 'a reply filtered by a policy that takes its time',
    operation: 'filteredLater',
    authorization: honest,
    expect: { allowed: true, reply: { id: 'order-1', secret: 'hidden' } },
  },
  {
    name: 'a reply that may not leave',
    operation: 'filtered',
    authorization: honest,
    message: { amount: 666 },
    expect: { allowed: false, kind: 'forbidden', code: 'release.poisoned', handled: true },
  },
  {
    name: 'a filter that throws',
    operation: 'releaseThrows',
    authorization: honest,
    expect: { allowed: false, kind: 'internal', code: 'policy.threw', handled: true },
  },
  {
    name: 'a filter that rejects',
    operation: 'releaseRejects',
    authorization: honest,
    expect: { allowed: false, kind: 'internal', code: 'policy.threw', handled: true },
  },
  {
    name: 'a filter that answers nonsense',
    operation: 'releaseNonsense',
    authorization: honest,
    expect: { allowed: false, kind: 'internal', code: 'policy.invalid_outcome', handled: true },
  },
  {
    name: 'output that cannot be filtered',
    operation: 'raw',
    authorization: honest,
    needs: 'raw-output',
    expect: { allowed: false, kind: 'internal', code: 'release.unfilterable', handled: true },
  },
];

const preflight: readonly (readonly [string, string])[] = [
  ['origin', ORIGIN],
  ['access-control-request-method', 'GET'],
  ['access-control-request-headers', 'authorization'],
];

/** Browsers. */
export const originCases: readonly Case[] = [
  {
    name: 'the trusted origin',
    operation: 'list',
    authorization: honest,
    headers: [['origin', ORIGIN]],
    expect: { allowed: true },
  },
  {
    name: 'another origin',
    operation: 'list',
    authorization: honest,
    headers: [['origin', 'https://evil.example.test']],
    expect: forbidden('cors.origin_refused'),
  },
  {
    name: 'an origin that begins like the trusted one',
    operation: 'list',
    authorization: honest,
    headers: [['origin', `${ORIGIN}.evil.test`]],
    expect: forbidden('cors.origin_refused'),
  },
  {
    name: 'the origin null',
    operation: 'list',
    authorization: honest,
    headers: [['origin', 'null']],
    expect: forbidden('cors.origin_refused'),
  },
  {
    name: 'a call that a page of another site made',
    operation: 'browsed',
    message: { amount: 5 },
    headers: [['sec-fetch-site', 'cross-site']],
    expect: forbidden('csrf.cross_origin'),
  },
  {
    name: 'a call that a page of a sister origin made',
    operation: 'browsed',
    message: { amount: 5 },
    headers: [['sec-fetch-site', 'same-site']],
    expect: forbidden('csrf.cross_origin'),
  },
  {
    name: 'a call that a page of its own made',
    operation: 'browsed',
    message: { amount: 5 },
    headers: [
      ['sec-fetch-site', 'same-origin'],
      ['origin', ORIGIN],
    ],
    expect: { allowed: true },
  },
  {
    name: 'a call that no browser made, where browsers are looked at',
    operation: 'browsed',
    message: { amount: 5 },
    expect: { allowed: true },
  },
  {
    name: 'a preflight from the trusted origin',
    operation: 'list',
    method: 'OPTIONS',
    headers: preflight,
    needs: 'preflight',
    expect: forbidden('cors.preflight'),
  },
  {
    name: 'a preflight from another origin',
    operation: 'list',
    method: 'OPTIONS',
    headers: [['origin', 'https://evil.example.test'], ...preflight.slice(1)],
    needs: 'preflight',
    expect: forbidden('cors.origin_refused'),
  },
];

/** What no answer may contain. */
export const forbiddenText: readonly string[] = [
  INTERNAL,
  '/srv/secret',
  'node:internal',
  's3cret',
];
