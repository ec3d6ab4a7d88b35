import type { AuditAct, AuditReceipt, RecordAct } from '../contracts/record-act.ts';
import type { RequestLike } from '../engine/request.ts';
import { CREDENTIAL_HEADERS, redactName, secretsOf } from './redact.ts';
import { safeText } from './safe-text.ts';

const REQUEST_ID = /^[\w.~:/+=@-]{1,128}$/;
/** W3C trace context, version 00 and what is to come after it. */
const TRACEPARENT =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?$/;

const NONE: readonly string[] = Object.freeze([]);

/** What an audit knows of one call from its beginning. Printing it tells nothing of the request. */
export class AuditCall {
  readonly requestId: string | undefined;
  readonly traceId: string | undefined;
  readonly spanId: string | undefined;
  readonly method: string;
  readonly #request: RequestLike;
  readonly #begun: number;
  readonly #clock: () => number;
  readonly #headers: readonly string[];
  readonly #facts: object;
  readonly #record: (act: AuditAct, call: AuditCall) => Promise<AuditReceipt>;

  constructor(
    request: RequestLike,
    facts: object,
    how: {
      readonly requestIdHeader: string;
      readonly credentialHeaders: readonly string[];
      readonly clock: () => number;
      readonly record: (act: AuditAct, call: AuditCall) => Promise<AuditReceipt>;
    },
  ) {
    this.#request = request;
    this.#facts = facts;
    this.#clock = how.clock;
    this.#begun = how.clock();
    this.#headers = how.credentialHeaders;
    this.method = request.method;
    this.#record = how.record;
    // The host's own, where it supplies one, is what the caller and its operators have seen.
    const { requestId: supplied } = facts as { readonly requestId?: unknown };
    const id = supplied ?? request.headers.get(how.requestIdHeader);
    // It may be the caller's: a credential in the wrong header must not be logged as an id.
    if (typeof id === 'string' && REQUEST_ID.test(id)) {
      this.requestId = safeText(redactName(id), 128);
    }
    const parent = TRACEPARENT.exec(request.headers.get('traceparent') ?? '');
    this.traceId = parent?.[1];
    this.spanId = parent?.[2];
  }

  /** Records an act of this call. Made when it is asked for, since few calls do. */
  get record(): RecordAct {
    return (act) => this.#record(act, this);
  }

  /** The facts that are known by now; the guard adds to them while it decides. */
  get facts(): Readonly<Record<string, unknown>> {
    return this.#facts as Readonly<Record<string, unknown>>;
  }

  elapsedMs(): number {
    return Math.max(0, Math.round((this.#clock() - this.#begun) * 1_000) / 1_000);
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
    if (which === 'cookies')
      return secretsOf(this.#request, [...CREDENTIAL_HEADERS, ...this.#headers]);
    const names = SINGLE.concat(this.#headers);
    if (which === 'all') return secretsOf(this.#request, names);
    for (const name of names) {
      const value = headers.get(name);
      // A name can be a credential only where somebody made it one: then it is the end of the header.
      if (typeof value === 'string' && value !== '' && endsWithName(value, facts, this.requestId)) {
        return secretsOf(this.#request, names);
      }
    }
    return NONE;
  }
}

const SINGLE = CREDENTIAL_HEADERS.filter((name) => name !== 'cookie');

function endsWithName(
  value: string,
  facts: Readonly<Record<string, unknown>>,
  requestId: string | undefined,
): boolean {
  const principal = facts['principal'];
  const { id, subject, clientId, tenant } =
    typeof principal === 'object' && principal !== null
      ? (principal as Readonly<Record<string, unknown>>)
      : EMPTY;
  return [id, subject, clientId, tenant, facts['tenant'], requestId].some(
    (name) => typeof name === 'string' && name !== '' && value.endsWith(name),
  );
}

const EMPTY: Readonly<Record<string, unknown>> = Object.freeze({});
