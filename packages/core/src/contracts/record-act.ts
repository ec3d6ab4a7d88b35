import type { Denial } from '../engine/denial.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';

/**
 * An act that has a name in the OWASP logging vocabulary. apisec records all of them by itself but `user.*`,
 * `policy.changed` and `audit.chain_broken`, which only your own code knows of.
 */
export type BuiltinAct =
  | 'api_key.issued'
  | 'api_key.imported'
  | 'api_key.rotated'
  | 'api_key.changed'
  | 'api_key.disabled'
  | 'api_key.enabled'
  | 'api_key.revoked'
  | 'token.issued'
  | 'token.reused'
  | 'token.family_ended'
  | 'revocation.added'
  | 'revocation.lifted'
  | 'limit.reset'
  | 'quota.reset'
  | 'lock.lifted'
  | 'factor.enrolled'
  | 'factor.copied'
  | 'factor.removed'
  | 'factor.reset'
  | 'password.changed'
  | 'password.change_failed'
  | 'login.succeeded'
  | 'login.failed'
  | 'login.throttled'
  | 'login.locked'
  | 'role.assigned'
  | 'role.removed'
  | 'session.created'
  | 'session.renewed'
  | 'session.ended'
  | 'tenant.created'
  | 'tenant.changed'
  | 'tenant.suspended'
  | 'tenant.resumed'
  | 'tenant.closed'
  | 'user.created'
  | 'user.updated'
  | 'user.archived'
  | 'user.deleted'
  | 'policy.changed'
  | 'service.started'
  | 'service.stopped'
  | 'audit.chain_broken'
  | 'audit.events_lost';

/** What was done to: `{ type: 'api_key', id: '3vQ…' }`. */
export interface AuditTarget {
  readonly type: string;
  readonly id: string;
}

/** An administrative act, to be recorded. */
export interface AuditAct {
  /** `subject.past_participle`: one of the built-in ones, or one of your own. */
  readonly act: BuiltinAct | `${string}.${string}`;
  /** Default: `succeeded`. */
  readonly outcome?: 'succeeded' | 'denied' | 'failed' | undefined;
  /** Who did it. Default, where it is recorded through the facts of a call: its principal. */
  readonly principal?: string | undefined;
  readonly client?: string | undefined;
  readonly tenant?: string | undefined;
  readonly peer?: string | undefined;
  readonly target?: AuditTarget | undefined;
  readonly reason?: string | undefined;
  /** At most 16 members; those that are called like a secret are redacted. */
  readonly data?: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
  readonly requestId?: string | undefined;
}

/** What became of an act: `ok` once every required sink has acknowledged it. */
export type AuditReceipt =
  | { readonly ok: true }
  | {
      readonly ok: false;
      /** `lost`: no sink has it or will have it. `late`: it waits for a sink that does not answer. */
      readonly problem: 'lost' | 'late';
    };

/** Records an act. Never throws or rejects. */
export type RecordAct = (act: AuditAct) => Promise<AuditReceipt>;

/**
 * The option `record`, wherever something administrative is done.
 *
 * It is called with each act once that is done: changes, and logins and password changes that were denied. Give it
 * `audit(…).record`, or, in a handler, `facts.audit.record`, which also knows who called. Where it throws, rejects or
 * answers `{ ok: false }`, the act stands, and its caller learns that it was not recorded: promises reject,
 * and what answers denials answers its `unavailable`. A secret that the act made is then handed to nobody. It is waited
 * for, so it must answer in bounded time, as that of `audit` does.
 */
export interface RecordOption {
  readonly record?: ((act: AuditAct) => unknown) | undefined;
}

/** @throws ConfigurationError if `record` is given and is not a function. */
export function assertRecord(where: string, record: unknown): void {
  assertConfiguration(
    record === undefined || typeof record === 'function',
    `${where}: record must be a function that records acts, like audit({ … }).record.`,
  );
}

/**
 * Tells `record` of an act that is done, where there is one.
 *
 * @throws Rejects when it could not be recorded, saying which act stands.
 */
export async function recordAct(record: RecordOption['record'], act: AuditAct): Promise<void> {
  if (record === undefined) return;
  let answer: unknown;
  try {
    answer = await record(act);
  } catch (cause) {
    throw new Error(`${act.act} was done, and could not be recorded.`, { cause });
  }
  if (isUnrecorded(answer)) {
    throw new Error(`${act.act} was done, and could not be recorded.`, { cause: answer });
  }
}

/** Records a denial, and answers it: where it was not recorded, operators read so in its cause. */
export async function recordedDenial(denial: Denial, record: () => Promise<void>): Promise<Denial> {
  try {
    await record();
    return denial;
  } catch (cause) {
    return { ...denial, cause: denial.cause ?? cause };
  }
}

/**
 * Functions of the user's own may answer anything; only a receipt that says so, or `false`, means that it was not
 * recorded.
 */
function isUnrecorded(answer: unknown): boolean {
  if (answer === false) return true;
  return typeof answer === 'object' && answer !== null && 'ok' in answer && answer.ok !== true;
}
