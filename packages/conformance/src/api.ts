import {
  type Admission,
  type AttemptFacts,
  allowAnonymous,
  allowAuthenticated,
  anyOf,
  authenticateApiKey,
  authenticateJwt,
  type BodyOutcome,
  type CallFacts,
  type Completion,
  cors,
  crossOrigin,
  definePolicy,
  deny,
  dpopNonces,
  guard,
  localJwks,
  type MaybePromise,
  type NoFacts,
  type Obligations,
  type Outcome,
  type Policy,
  pass,
  rateLimit,
  remoteJwks,
  requireDpop,
  requireRole,
  requireScopes,
  securityHeaders,
  tokenBucket,
  when,
} from '@apisec/core';
import { authorizationPolicies, ELSEWHERE } from './authorization-policies.ts';
import { member } from './clients/observe.ts';
import {
  AUDIENCE,
  type Credentials,
  INTERNAL,
  ISSUER,
  PROBLEM_TYPES,
  PUBLIC_ORIGIN,
} from './credentials.ts';
import { CASE_HEADER, limitPolicies } from './limit-policies.ts';
import { ownParcel, parcelOf, sharedParcel } from './object-policies.ts';
import { describePage, pageOfMessage, pageOfQuery } from './page-policies.ts';
import { createPauses, type Pauses } from './pauses.ts';
import { recordOperations } from './records.ts';
import { requestGuards } from './requests.ts';
import type { ConformanceApi, Operation, Protocol, Reply } from './subject.ts';
import { TENANT_CLAIM, tenantPolicies } from './tenant-policies.ts';

/** The one browser origin that the suite's API trusts. */
export const ORIGIN = 'https://app.example.test';
/** How many calls the limited operation takes before it denies. */
export const LIMIT = 3;
/** Bodies above this size are too large, in bytes. */
export const LARGEST_BODY = 10_000;

/** What the server side saw of one case. */
export interface Observation {
  /** Undefined until the call has ended. */
  readonly completion: Completion | undefined;
  readonly handled: boolean;
}

export interface SuiteApi extends ConformanceApi {
  readonly ended: (id: string) => Observation;
  /** Makes a call wait. */
  readonly pause: Pauses['at'];
  /** Says how busy the server is, to the operation that asks. */
  readonly press: (pressure: number) => void;
}

export function createApi(
  { jwks, steps, keys: apiKeys }: Credentials,
  protocol: Protocol,
): SuiteApi {
  const endings = new Map<string, Completion>();
  const handled = new Set<string>();
  const pauses = createPauses();
  let pressure = 0;
  const limits = limitPolicies({ pauses, pressure: () => pressure, steps, keys: apiKeys });

  /** Tells the suite how each call ended, whatever decided it. */
  const recorder = definePolicy({
    name: 'recorder',
    role: 'check',
    check: (request) => {
      const id = request.headers.get(CASE_HEADER);
      return id ? pass({ caseId: id }, { onComplete: (end) => void endings.set(id, end) }) : pass();
    },
  });
  const keys = localJwks(jwks);
  const downKeys = remoteJwks('http://127.0.0.1:1/jwks', { insecureLoopback: true });
  const surface = guard()
    .use(recorder)
    .use(securityHeaders())
    .use(cors({ origins: [ORIGIN] }));
  const base = surface.use(authenticateJwt({ issuer: ISSUER, audience: AUDIENCE, keys }));
  const readers = base.use(requireScopes('orders:read'));
  /** Whatever can end a call behind a limit, each where the call asks for it. */
  const behind = (front: typeof readers): typeof readers =>
    front
      .use(limits.pausing)
      .use(when((request) => request.headers.has('x-strict'), requireRole('admin')))
      .use(
        when(
          (request) => request.headers.has('x-inspected'),
          inspecting('inspected', { onMessage: positiveAmount, onRelease: withoutSecrets }),
        ),
      );

  const bound = authenticateJwt({
    issuer: ISSUER,
    audience: AUDIENCE,
    keys,
    schemes: ['Bearer', 'DPoP'],
  });

  const rights = authorizationPolicies(protocol);
  const tenants = tenantPolicies();
  const inTenant = surface
    .use(
      authenticateJwt({
        issuer: ISSUER,
        audience: AUDIENCE,
        keys,
        tenant: { claim: TENANT_CLAIM },
      }),
    )
    .use(tenants.resolve);

  const guards = {
    dpop: surface
      .use(bound)
      .use(requireDpop({ publicOrigin: PUBLIC_ORIGIN }))
      .use(requireScopes('orders:read')),
    dpopNonce: surface
      .use(bound)
      .use(requireDpop({ publicOrigin: PUBLIC_ORIGIN, nonce: dpopNonces() }))
      .use(requireScopes('orders:read')),
    open: surface.use(allowAnonymous()),
    browsed: surface.use(crossOrigin({ self: ORIGIN })).use(allowAnonymous()),
    member: base.use(allowAuthenticated()),
    list: readers,
    both: base.use(requireScopes('orders:read', 'orders:write')),
    admin: base.use(requireRole('admin')),
    either: base.use(anyOf(requireRole('admin'), requireScopes('orders:read'))),
    sometimes: readers.use(
      when((request) => request.headers.has('x-strict'), requireRole('admin')),
    ),
    limited: readers.use(
      rateLimit({
        limit: tokenBucket({ capacity: LIMIT, refillPerSecond: 0.01 }),
        by: (facts) => facts.principal.id,
      }),
    ),
    concurrent: behind(readers.use(limits.oneCall)),
    kept: behind(readers.use(limits.oneKept)),
    crowded: behind(
      surface
        .use(limits.oneInFlight)
        .use(authenticateJwt({ issuer: ISSUER, audience: AUDIENCE, keys }))
        .use(requireScopes('orders:read')),
    ),
    busy: surface.use(limits.underPressure).use(allowAnonymous()),
    ranked: surface.use(limits.ranked).use(allowAnonymous()),
    metered: surface
      .use(authenticateApiKey({ keys: apiKeys }))
      .use(limits.quota)
      .use(allowAuthenticated()),
    signIn: surface.use(limits.guessing).use(allowAnonymous()),
    signInTold: surface.use(limits.guessing).use(allowAnonymous()),
    signInByBody: surface.use(limits.guessingByBody).use(allowAnonymous()),
    notLocal: surface.use(limits.local).use(allowAnonymous()),
    notRemote: surface.use(limits.remote).use(allowAnonymous()),
    enumerated: readers.use(limits.enumeration),
    people: surface.use(limits.human).use(allowAnonymous()),
    payment: readers.use(limits.step),
    tenanted: inTenant.use(tenants.known).use(allowAuthenticated()),
    tenantsDown: inTenant.use(tenants.down).use(allowAuthenticated()),
    keysDown: surface
      .use(authenticateJwt({ issuer: ISSUER, audience: AUDIENCE, keys: downKeys }))
      .use(allowAuthenticated()),
    throwing: readers.use(faulty('throwing', () => fail())),
    rejecting: readers.use(faulty('rejecting', async () => fail())),
    answersTrue: readers.use(faulty('answersTrue', () => true as never)),
    answersNothing: readers.use(faulty('answersNothing', () => undefined as never)),
    answersLater: readers.use(faulty('answersLater', async () => ({ ok: 'yes' }) as never)),
    answersUnknownKind: readers.use(
      faulty('unknownKind', () => deny('teapot' as never, 'tea.short')),
    ),
    addsTwice: readers.use(faulty('addsTwice', () => pass({ principal: 'mallory' }) as never)),
    addsProto: readers.use(
      faulty('addsProto', () => pass(JSON.parse('{"__proto__":{"admin":true}}')) as never),
    ),
    owesProof: readers.use(
      faulty('owesProof', () => ({
        ok: true,
        demands: [{ id: 'proof', denial: { kind: 'unauthenticated', code: 'proof.missing' } }],
      })),
    ),
    shadowed: readers.use(requireRole('admin'), { mode: 'shadow' }).use(
      faulty('shadowFault', () => fail()),
      { mode: 'shadow' },
    ),
    slow: readers.use(
      faulty('slow', async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        return pass();
      }),
    ),
    parcel: readers.use(ownParcel),
    sharedParcel: readers.use(sharedParcel),
    paged: readers.use(pageOfMessage),
    queried: readers.use(pageOfQuery),
    permitted: base.use(rights.permission),
    assigned: base.use(rights.roles).use(rights.assignedPermission),
    rolesDown: base.use(rights.rolesDown).use(rights.assignedPermission),
    ruled: base.use(rights.rule),
    validated: readers.use(rights.input),
    shaped: readers.use(rights.output),
    leaking: readers.use(rights.output),
    create: readers.use(inspecting('amount', { onMessage: positiveAmount })),
    replaced: readers.use(
      inspecting('replace', { onMessage: () => ({ ok: true, value: { amount: 42 } }) }),
    ),
    messageThrows: readers.use(inspecting('messageThrows', { onMessage: () => fail() })),
    messageNonsense: readers.use(
      inspecting('messageNonsense', { onMessage: () => 'fine' as never }),
    ),
    messageShadow: readers.use(inspecting('amount', { onMessage: positiveAmount }), {
      mode: 'shadow',
    }),
    filtered: readers.use(inspecting('filter', { onRelease: withoutSecrets })),
    filteredLater: readers.use(
      inspecting('filter', { onRelease: async (payload) => withoutSecrets(payload) }),
    ),
    releaseThrows: readers.use(inspecting('releaseThrows', { onRelease: () => fail() })),
    releaseRejects: readers.use(inspecting('releaseRejects', { onRelease: async () => fail() })),
    releaseNonsense: readers.use(inspecting('releaseNonsense', { onRelease: () => ({}) as never })),
    raw: readers.use(inspecting('filter', { onRelease: withoutSecrets })),
    handlerThrows: readers,
    completeThrows: readers.use(
      definePolicy({
        name: 'completeThrows',
        role: 'check',
        always: { onComplete: () => fail() },
        check: () => pass(),
      }),
    ),
  } satisfies Record<string, Admission<CallFacts, object> | undefined>;

  const ofProtocol = protocol === 'http' ? requestGuards(surface) : {};
  const operations: readonly Operation[] = [
    ...Object.entries({ ...guards, ...ofProtocol }).map(
      ([name, admission]): Operation => ({
        name,
        listed: true,
        admission,
        handle: handlers[name] ?? reply,
        ...(name === 'readOnly' && { readOnly: true }),
        ...(name === 'raw' && { raw: '{"secret":"s3cret"}' }),
      }),
    ),
    ...(protocol === 'http' ? recordOperations(readers, reply) : []),
    { name: 'unlisted', listed: false, admission: readers, handle: reply },
  ];
  const streamers = readers.use(limits.oneStream);
  const enter = async (facts: object): Promise<void> => {
    // The recorder adds it where the call names its case.
    const { caseId } = facts as { readonly caseId?: string };
    if (caseId !== undefined) handled.add(caseId);
    await pauses.wait('handler', caseId);
  };
  return {
    operations,
    largestBody: LARGEST_BODY,
    problemTypeBase: PROBLEM_TYPES,
    enter,
    serve: async (operation, message, facts) => {
      await enter(facts);
      return operation.handle(message, facts);
    },
    pause: pauses.at,
    press: (value) => {
      pressure = value;
    },
    ended: (id) => ({ completion: endings.get(id), handled: handled.has(id) }),
    streams: {
      watch: streamers.use(inspecting('filter', { onRelease: withoutSecrets })),
      upload: streamers.use(inspecting('amount', { onMessage: positiveAmount })),
      chat: streamers
        .use(inspecting('amount', { onMessage: positiveAmount }))
        .use(inspecting('filter', { onRelease: withoutSecrets })),
    },
  };
}

function fail(): never {
  throw new Error(`${INTERNAL} at /srv/secret/path.ts:1`);
}

function faulty(
  name: string,
  check: () => MaybePromise<Outcome>,
): Policy<NoFacts, NoFacts, 'check'> {
  return definePolicy({ name, role: 'check', check });
}

function inspecting(name: string, duty: Obligations): Policy<NoFacts, NoFacts, 'check'> {
  return definePolicy({ name, role: 'check', check: () => pass({}, duty) });
}

/** The body rule of the suite: an amount, and a positive one. */
function positiveAmount(message: unknown): BodyOutcome {
  const amount = member(message, 'amount');
  return typeof amount === 'number' && amount > 0
    ? { ok: true }
    : { ok: false, denial: { kind: 'malformed', code: 'order.amount_invalid' } };
}

/** The release rule of the suite: no secret leaves, and poison stops everything. */
function withoutSecrets(payload: unknown): BodyOutcome {
  const text = JSON.stringify(payload);
  if (text.includes('"poison":true')) {
    return { ok: false, denial: { kind: 'forbidden', code: 'release.poisoned' } };
  }
  const value: unknown = JSON.parse(text, (name, inner: unknown) =>
    name === 'secret' ? 'hidden' : inner,
  );
  return { ok: true, value };
}

/**
 * Amount 666 asks the handler for a poisoned reply, 500, 501 and 409 for errors, and 401 for what it answers to a wrong
 * password.
 */
function reply(message: unknown): Reply {
  const given = member(message, 'amount');
  const amount = typeof given === 'number' ? given : 0;
  if (amount === 500) fail();
  if (amount === 409) {
    throw Object.assign(new Error(INTERNAL), { status: 409, statusCode: 409, detail: INTERNAL });
  }
  // oxlint-disable-next-line only-throw-error -- some handlers do, and it must not end up in an answer
  if (amount === 501) throw { toString: () => INTERNAL, message: INTERNAL };
  const status = amount === 401 ? 401 : 200;
  return { id: 'order-1', amount, secret: 's3cret', poison: amount === 666, status };
}

/** Tells what came of the attempt, and leaves the status as it always is. */
function replyTold(message: unknown, facts: object): Reply {
  const answer = reply(message);
  // The guards of these operations add it.
  (facts as AttemptFacts).attempt.tell(answer.status === 401 ? 'failed' : 'succeeded');
  return { ...answer, status: 200 };
}

async function replyPage(message: unknown, facts: object): Promise<Reply> {
  return { ...reply(message), id: await describePage(facts) };
}

function replyParcel(message: unknown, facts: object): Reply {
  const { id, owner } = parcelOf(facts);
  return { ...reply(message), id: `parcel-${id} of ${owner}` };
}

/** Where it is not {@link reply}. */
const handlers: Readonly<Record<string, Operation['handle']>> = {
  handlerThrows: fail,
  leaking: (message) => ({ ...reply(message), secret: ELSEWHERE }),
  parcel: replyParcel,
  sharedParcel: replyParcel,
  paged: replyPage,
  queried: replyPage,
  signInTold: replyTold,
  signInByBody: replyTold,
};
