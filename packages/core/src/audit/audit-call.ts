import type { AuditAct, AuditReceipt, RecordAct } from '../contracts/record-act.ts';
import type { RequestLike } from '../engine/request.ts';
import { objectOf } from './read-facts.ts';
import { CREDENTIAL_HEADERS, isUuid, redactName, secretsOf } from './redact.ts';
import { safeText } from './safe-text.ts';

const REQUEST_ID = /^[\w.~:/+=@-]{1,128}$/;
/** W3C trace context, version 00 and what is to come after it. */
const TRACEPARENT =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?$/;

const NONE: readonly string[] = Object.freeze([]);

/** What the calls of one audit have in common. */
export interface AuditCallOptions {
  /** The header of the id where the host supplies none; undefined where none is believed. */
  readonly requestIdHeader: string | undefined;
  /** Headers that hold one credential each; cookies are looked at besides. */
  readonly credentialHeaders: readonly string[];
  readonly clock: () => number;
  readonly record: (act: AuditAct, call: AuditCall) => Promise<AuditReceipt>;
}

/** What an audit knows of one call from its beginning. Printing it tells nothing of the request. */
export class AuditCall {
  readonly requestId: string | undefined;
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  readonly method: string;
  readonly #request: RequestLike;
  readonly #begun: number;
  readonly #facts: object;
  readonly #how: AuditCallOptions;

  constructor(request: RequestLike, facts: object, how: AuditCallOptions) {
    this.#request = request;
    this.#facts = facts;
    this.#how = how;
    this.#begun = how.clock();
    this.method = request.method;
    // The host's own, where it supplies one, is what the caller and its operators have seen.
    const { requestId: supplied } = facts as { readonly requestId?: unknown };
    const { requestIdHeader: named } = how;
    const id = supplied ?? (named === undefined ? undefined : request.headers.get(named));
    this.requestId = typeof id === 'string' ? safeId(id) : undefined;
    const given = request.headers.get('traceparent');
    const parent = typeof given === 'string' ? TRACEPARENT.exec(given) : null;
    this.traceId = parent?.[1];
    this.spanId = parent?.[2];
  }

  /** Records an act of this call. Made when it is asked for, since few calls do. */
  get record(): RecordAct {
    return (act) => this.#how.record(act, this);
  }

  /** The facts that are known by now; the guard adds to them while it decides. */
  get facts(): Readonly<Record<string, unknown>> {
    return this.#facts as Readonly<Record<string, unknown>>;
  }

  elapsedMs(): number {
    return Math.max(0, Math.round((this.#how.clock() - this.#begun) * 1_000) / 1_000);
  }

  /**
   * What the call came with and must not be in its event. `whole`: the values of header fields that hold one
   * credential, as quickly as can be. `all`: their parts too. `cookies`: the values of cookies as well, which may
   * be names that belong into an event, so that only free text is searched for them.
   */
  secrets(
    which: 'whole' | 'all' | 'cookies',
    facts: Readonly<Record<string, unknown>>,
  ): readonly string[] {
    const { headers } = this.#request;
    const { credentialHeaders: names } = this.#how;
    if (which === 'cookies') return secretsOf(this.#request, [...names, 'cookie']);
    if (which === 'all') return secretsOf(this.#request, names);
    for (const name of names) {
      const value = headers.get(name);
      // If an application uses a credential as a name, a header ends with it.
      if (typeof value === 'string' && value !== '' && endsWithName(value, facts, this.requestId)) {
        return secretsOf(this.#request, names);
      }
    }
    return NONE;
  }
}

/** It may be the caller's: a credential in the wrong header must not be logged as an id. */
function safeId(id: string): string | undefined {
  // Nearly all, and new in each call: they are looked at once.
  if (isUuid(id)) return id;
  if (!REQUEST_ID.test(id)) return undefined;
  const redacted = redactName(id);
  // An id in this form needs no further cleaning; the marks in it can only make it too long.
  return redacted === id ? id : safeText(redacted, 128);
}

/** Headers that hold one credential each, those of the application among them. */
export function singleCredentialHeaders(own: readonly string[]): readonly string[] {
  return CREDENTIAL_HEADERS.filter((name) => name !== 'cookie').concat(own);
}

function endsWithName(
  value: string,
  facts: Readonly<Record<string, unknown>>,
  requestId: string | undefined,
): boolean {
  const { id, subject, clientId, tenant } = objectOf(facts['principal']);
  return (
    endsWith(value, id) ||
    endsWith(value, subject) ||
    endsWith(value, clientId) ||
    endsWith(value, tenant) ||
    endsWith(value, facts['tenant']) ||
    endsWith(value, requestId)
  );
}

function endsWith(value: string, name: unknown): boolean {
  return typeof name === 'string' && name !== '' && value.endsWith(name);
}
