import {
  type ApiKeys,
  type AuditAct,
  type AuditReceipt,
  type Principal,
  type RecordAct,
  type RecordOption,
  readLimits,
  resetLimits,
} from '@apisec/core';
import { type Aliases, callerAliases, type WatchedLimit } from './limits-answer.ts';
import { json, problem, readObject } from './responses.ts';

/** Sessions of browsers, as far as the console asks: `sessions()` of `@apisec/oauth` fits. */
export interface SessionsLike {
  readonly list: (owner: { readonly issuer: string; readonly subject: string }) => Promise<
    readonly {
      readonly handle: string;
      readonly clientId: string;
      readonly createdAt: number;
      readonly seenAt: number;
      readonly expiresAt: number;
    }[]
  >;
  readonly endOne: (
    owner: { readonly issuer: string; readonly subject: string },
    handle: string,
    options?: RecordOption,
  ) => Promise<boolean>;
  readonly endAll: (
    owner: { readonly issuer: string; readonly subject: string },
    exceptHandle?: string,
    options?: RecordOption,
  ) => Promise<number | undefined>;
}

/** What can be managed. */
export interface Resources {
  /** Listed; with `manage` also rotated and revoked. */
  readonly keys?: Pick<ApiKeys, 'list' | 'rotate' | 'revoke'> | undefined;
  /** Listed by user; with `manage` also ended. */
  readonly sessions?: SessionsLike | undefined;
  /** Read by caller; with `manage` also reset. */
  readonly limits?: readonly WatchedLimit[] | undefined;
}

type Body = Readonly<Record<string, unknown>>;
type Write = (request: Request, facts: object) => Promise<Response>;

export interface ConsoleActs {
  readonly aliases: Aliases;
  /** By route, for callers who may look. */
  readonly reads: Readonly<Record<string, (request: Request) => Promise<Response>>>;
  /** By route, for callers who may act. */
  readonly writes: Readonly<Record<string, Write>>;
}

const MALFORMED = problem(400, 'console.malformed', 'The body is not what this act needs.');
const GONE = problem(404, 'console.not_found', 'There is no such thing.');
const CONFLICT = problem(409, 'console.conflict', 'Somebody else was quicker, or it is over.');
const UNAVAILABLE = problem(503, 'console.unavailable', 'What this is kept in does not answer.');
const MOST_TEXT = 1_024;
const HOUR = 3_600_000;
const MOST_OVERLAP_HOURS = 720;

/** What operators do, and what they look up by name. Each act is recorded, with who did it. */
export function consoleActs({
  keys,
  sessions,
  limits = [],
  record,
}: Resources & { readonly record: RecordAct }): ConsoleActs {
  const aliases = callerAliases();

  /** Records what is done for one call, with who does it, and remembers whether that went well. */
  const recorder = (facts: object) => {
    let receipt: AuditReceipt | undefined;
    return {
      record: async (act: AuditAct): Promise<void> => {
        receipt = await record({ ...whoActs(facts), ...act });
      },
      /** The page learns whether it was recorded; `act` is recorded if the part that acted recorded nothing. */
      answer: async (act: AuditAct, answer: object): Promise<Response> => {
        receipt ??= await record({ ...whoActs(facts), ...act });
        return json({ ...answer, recorded: receipt.ok });
      },
    };
  };

  const accountOf = (body: Body) => {
    const watched = limits.find(({ name }) => name === body['limit']);
    const alias = text(body['alias']);
    const key = alias === undefined ? text(body['key']) : aliases.callerOf(alias);
    if (watched === undefined || key === undefined) return undefined;
    return { ...watched, key, tenant: text(body['tenant']) };
  };

  const reads: Record<string, (body: Body) => Promise<Response>> = {};
  const writes: Record<string, (body: Body, facts: object) => Promise<Response>> = {};

  if (limits.length > 0) {
    reads['POST /limits/read'] = async (body) => {
      const account = accountOf(body);
      if (account === undefined) return GONE();
      const balances = await readLimits(account);
      return json(
        balances.map(({ limit, remaining, resetAfterMs }) => {
          const { algorithm, capacity } = limit;
          return { algorithm, capacity, remaining, resetAfterMs };
        }),
      );
    };
    writes['POST /limits/reset'] = async (body, facts) => {
      const account = accountOf(body);
      if (account === undefined) return GONE();
      const { record, answer } = recorder(facts);
      await resetLimits({ ...account, record });
      return answer({ act: 'limit.reset', target: { type: 'limit', id: account.name } }, {});
    };
  }

  if (keys !== undefined) {
    reads['POST /keys/list'] = async (body) => {
      const { keys: page, next } = await keys.list({
        tenant: text(body['tenant']),
        after: text(body['after']),
        limit: 100,
      });
      // Metadata is the application's own, and may be anything.
      return json({ keys: page.map(({ metadata: _, ...rest }) => rest), next });
    };
    writes['POST /keys/rotate'] = async (body, facts) => {
      const [id, hours] = [text(body['id']), body['overlapHours']];
      const isOverlap = typeof hours === 'number' && hours >= 0 && hours <= MOST_OVERLAP_HOURS;
      const generation = body['generation'];
      if (id === undefined || !isOverlap || typeof generation !== 'number') return MALFORMED();
      const overlapMs = Math.round(hours * HOUR);
      const { record, answer } = recorder(facts);
      const rotated = await keys.rotate(id, { overlapMs, generation, record });
      if (!rotated.ok) return rotated.reason === 'not_found' ? GONE() : CONFLICT();
      const act = { act: 'api_key.rotated', target: { type: 'api_key', id } } as const;
      return answer({ ...act, data: { overlapMs } }, { key: rotated.key });
    };
    writes['POST /keys/revoke'] = async (body, facts) => {
      const [id, reason] = [text(body['id']), text(body['reason'])];
      if (id === undefined || reason === undefined) return MALFORMED();
      const { record, answer } = recorder(facts);
      const revoked = await keys.revoke(id, { reason: reason.slice(0, 512), record });
      if (!revoked.ok) return revoked.reason === 'not_found' ? GONE() : CONFLICT();
      return answer({ act: 'api_key.revoked', target: { type: 'api_key', id }, reason }, {});
    };
  }

  if (sessions !== undefined) {
    reads['POST /sessions/list'] = async (body) => {
      const owner = ownerOf(body);
      if (owner === undefined) return MALFORMED();
      const list = await sessions.list(owner);
      return json(
        list.slice(0, 200).map(({ handle, clientId, createdAt, seenAt, expiresAt }) => {
          return { handle, clientId, createdAt, seenAt, expiresAt };
        }),
      );
    };
    writes['POST /sessions/end'] = async (body, facts) => {
      const [owner, handle] = [ownerOf(body), text(body['handle'])];
      if (owner === undefined || (handle === undefined && body['all'] !== true)) return MALFORMED();
      const { record, answer } = recorder(facts);
      const ended =
        handle === undefined
          ? await sessions.endAll(owner, undefined, { record })
          : Number(await sessions.endOne(owner, handle, { record }));
      if (handle !== undefined && ended === 0) return GONE();
      const act = { act: 'session.ended', target: { type: 'user', id: owner.subject } } as const;
      return answer({ ...act, data: { issuer: owner.issuer, ended } }, { ended });
    };
  }

  const looks = each(reads);
  return {
    aliases,
    reads: Object.fromEntries(
      Object.entries(looks).map(([route, work]) => [route, (request) => work(request, {})]),
    ),
    writes: Object.freeze(each(writes)),
  };
}

function ownerOf(body: Body) {
  const [issuer, subject] = [text(body['issuer']), text(body['subject'])];
  return issuer === undefined || subject === undefined ? undefined : { issuer, subject };
}

function each(
  routes: Readonly<Record<string, (body: Body, facts: object) => Promise<Response>>>,
): Readonly<Record<string, Write>> {
  return Object.fromEntries(Object.entries(routes).map(([route, work]) => [route, run(work)]));
}

/** Reads the body. An error of a store is the fault of the server. */
function run(work: (body: Body, facts: object) => Promise<Response>): Write {
  return async (request, facts) => {
    const body = await readObject(request);
    if (body === undefined) return MALFORMED();
    try {
      return await work(body, facts);
    } catch {
      return UNAVAILABLE();
    }
  };
}

/** Who acts, as the guard found out. */
function whoActs(facts: object): Partial<AuditAct> {
  // Every authenticating policy adds `principal`; a guard without one knows nobody.
  const { principal, peer, requestId } = facts as {
    readonly principal?: Principal;
    readonly peer?: { readonly address?: string | undefined };
    readonly requestId?: string;
  };
  return {
    principal: principal?.id,
    client: principal?.clientId,
    peer: peer?.address,
    requestId,
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= MOST_TEXT ? value : undefined;
}
