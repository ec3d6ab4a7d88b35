import type { BodyOutcome } from '../engine/obligations.ts';
import { type Deny, type NoFacts, pass, sharedDenial } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import { queryOf } from '../engine/request.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { parseMediaType } from '../lib/media-type.ts';
import { assertKnownOptions } from '../lib/options.ts';

/** Options of {@link denyMethodOverride}. */
export interface DenyMethodOverrideOptions {
  /**
   * Also looks for `_method` in forms, for applications with middleware that reads it there. Such bodies must then be
   * parsed for policies; hosts that show them nothing but JSON deny forms. Default: false.
   */
  readonly inForms?: boolean | undefined;
}

const NAME = 'denyMethodOverride';
const FORMS = ['application/x-www-form-urlencoded', 'multipart/form-data'];

/** Header -> the denial of calls with it. */
const headersDenied = ['x-http-method-override', 'x-http-method', 'x-method-override'].map(
  (header) => [header, denial({ header })] as const,
);
const queryDenied = denial({ query: '_method' });
const formDenied = denial({ form: '_method' });

/**
 * Denies calls that mean another method than they have: with `X-HTTP-Method-Override` and its kin, or `_method` in the
 * query. Guards, proxies and protection against forged requests decide by the method, and middleware behind them would
 * run another one.
 *
 * Denial: `call.method_override` (400).
 *
 * @throws ConfigurationError for an unknown option.
 * @example
 * guard().use(denyMethodOverride())
 */
export function denyMethodOverride(
  options: DenyMethodOverrideOptions = {},
): SyncPolicy<NoFacts, NoFacts, 'check'> {
  assertKnownOptions(NAME, options, ['inForms']);
  const { inForms = false } = options;
  assertConfiguration(typeof inForms === 'boolean', `${NAME}: inForms must be true or false.`);
  return definePolicy({
    name: NAME,
    role: 'check',
    needs: [],
    adds: [],
    check: (request) => {
      const { headers } = request;
      for (const [name, denied] of headersDenied) if (headers.has(name)) return denied;
      if (namesMethod(queryOf(request))) return queryDenied;
      if (!inForms) return pass();
      const type = parseMediaType(headers.get('content-type') ?? '');
      return type !== undefined && FORMS.includes(type.essence) ? pass({}, { onMessage }) : pass();
    },
  });
}

/** Where the other method stands, for operators. */
function denial(cause: object): Deny {
  return sharedDenial({
    kind: 'malformed',
    code: 'call.method_override',
    detail: 'Send the call with the method that it means.',
    cause,
  });
}

/** `_method` as a name, however it is encoded, and in the forms that make lists and objects of it. */
function namesMethod(query: string): boolean {
  // Nearly every query.
  if (!/method|%/i.test(query)) return false;
  for (const name of new URLSearchParams(query).keys()) if (isOverride(name)) return true;
  return false;
}

function isOverride(name: string): boolean {
  return /^\[?_method(?:[\][]|$)/i.test(name);
}

function onMessage(message: unknown): BodyOutcome {
  if (typeof message !== 'object' || message === null) return { ok: true };
  return Object.keys(message).some(isOverride) ? formDenied : { ok: true };
}
