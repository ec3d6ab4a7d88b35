import { randomInt } from 'node:crypto';
import type { Deny } from '@apisec/core';
import { deny } from '@apisec/core';
import {
  assertConfiguration,
  assertKnownOptions,
  type Duration,
  durationMs,
  parseJsonBody,
  parseUrl,
  validationOf,
} from '@apisec/core/host';
import { isEgressError } from '../fetch/egress-error.ts';
import type { SafeFetch } from '../fetch/safe-fetch.ts';
import { circuits, type HostResult } from './circuits.ts';

/** What is needed of a schema: Standard Schema, version 1 (Zod, Valibot, ArkType, …). */
export interface AnswerSchema<Output> {
  readonly '~standard': {
    readonly version: 1;
    readonly validate: (value: unknown) => AnswerResult<Output> | Promise<AnswerResult<Output>>;
  };
}

type AnswerResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly unknown[] };

/** Options of {@link consume}. */
export interface ConsumeOptions<Output> {
  /** What calls: a `safeFetch` with its own limits of size and time. */
  readonly fetch: SafeFetch;
  /** What an answer must be; nothing else is handed on. */
  readonly schema: AnswerSchema<Output>;
  /** Attempts after the first, for GET and HEAD where the host fails (not: where it answers 4xx). Default: 2. */
  readonly retries?: number | undefined;
  /** Wait before the first of them, doubled for each, with jitter: 100 milliseconds by default. */
  readonly backoff?: Duration | undefined;
  /**
   * Attempts that may be made above one for each call, as a share of the calls to an origin (0.1 is one in ten): a host
   * that is down is not asked three times as often. Ten are free to begin with. Default: 0.1.
   */
  readonly retryBudget?: number | undefined;
  /** Failures in a row after which an origin is not asked. Default: 5. */
  readonly circuitFailures?: number | undefined;
  /** For how long; then one call tries. Default: 10 seconds. */
  readonly circuitPause?: Duration | undefined;
  /** From 0 to 1, for the jitter. */
  readonly random?: (() => number) | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** An answer that is what it must be, or a denial of kind `upstream` to answer your own caller with. */
export type Consumed<Output> = { readonly ok: true; readonly value: Output } | Deny;

const NAME = 'consume';
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Calls a third party whose answers you use, and trusts none of them (OWASP API 10): an answer is JSON that every
 * parser reads alike and the schema knows, of bounded size, in bounded time, or a denial. Equal GET calls at once share
 * one call; failures are tried again within a budget; an origin that fails several times in a row is left alone for a
 * while.
 *
 * Denials, all of kind `upstream` (502): `upstream.failed` (with its cause for logs), `upstream.status` (it answered
 * 4xx or 5xx), `upstream.answer_invalid` (not such JSON, or not what the schema says), and `upstream.circuit_open`. A
 * call that may not be made at all is denied with the code of `safeFetch`.
 *
 * @throws ConfigurationError for an option that is unknown or cannot be read.
 * @example
 * const rates = consume({ fetch: safeFetch({ allowedHosts: ['rates.example.com'] }), schema: ratesSchema });
 * const answer = await rates('https://rates.example.com/eur');
 * if (answer.ok) console.log(answer.value.usd);
 */
export function consume<Output>(
  options: ConsumeOptions<Output>,
): (url: string | URL, init?: RequestInit) => Promise<Consumed<Output>> {
  assertKnownOptions(NAME, options, [
    'fetch',
    'schema',
    'retries',
    'backoff',
    'retryBudget',
    'circuitFailures',
    'circuitPause',
    'random',
    'now',
  ]);
  const { fetch, schema, retries = 2, retryBudget = 0.1, circuitFailures = 5 } = options;
  assertConfiguration(typeof fetch === 'function', `${NAME}: fetch must be a safeFetch().`);
  assertConfiguration(
    typeof schema?.['~standard']?.validate === 'function',
    `${NAME}: schema must be a Standard Schema, for example of Zod or Valibot.`,
  );
  const validate = validationOf(schema);
  for (const [name, value, least] of [
    ['retries', retries, 0],
    ['circuitFailures', circuitFailures, 1],
  ] as const) {
    assertConfiguration(
      Number.isInteger(value) && value >= least && value <= 100,
      `${NAME}: ${name} must be a whole number from ${least} to 100.`,
    );
  }
  assertConfiguration(
    retryBudget >= 0 && retryBudget <= 1,
    `${NAME}: retryBudget must be from 0 to 1.`,
  );
  const backoffMs = durationMs(NAME, 'backoff', options.backoff ?? '100ms', { max: '1m' });
  const pauseMs = durationMs(NAME, 'circuitPause', options.circuitPause ?? '10s');
  const { now = () => Date.now(), random = () => randomInt(2 ** 32) / 2 ** 32 } = options;

  const circuitOf = circuits({ failures: circuitFailures, pauseMs, retryBudget, now });
  const flights = new Map<string, Promise<Answer>>();

  const attempt = async (url: string, init: RequestInit | undefined): Promise<Attempt> => {
    try {
      const response = await fetch(url, init);
      if (!response.ok) {
        await response.body?.cancel();
        const isFault = response.status >= 500 || response.status === 429;
        return {
          result: isFault ? 'failed' : 'answered',
          answer: failed('upstream.status', `status ${response.status}`),
        };
      }
      const body = new Uint8Array(await response.arrayBuffer());
      return { result: 'answered', answer: { ok: true, body } };
    } catch (error) {
      // Aborted by the caller, who says nothing of the host.
      if (!isEgressError(error))
        return { result: 'unknown', answer: failed('upstream.failed', error) };
      const { denial } = error;
      return denial.kind === 'upstream'
        ? { result: 'failed', answer: failed('upstream.failed', error) }
        : // What may not be called is ours to answer for, and no second attempt makes it right.
          { result: 'unknown', answer: { ok: false, denial } };
    }
  };

  const call = async (
    url: string,
    init: RequestInit | undefined,
    isSafe: boolean,
  ): Promise<Answer> => {
    const circuit = circuitOf(parseUrl(url)?.origin ?? '');
    if (!circuit.mayTry()) return failed('upstream.circuit_open', undefined);
    for (let time = 0; ; time++) {
      const { result, answer } = await attempt(url, init);
      const goesOn = circuit.record(result);
      if (result !== 'failed' || !goesOn || !isSafe || time >= retries) return answer;
      if (!circuit.takeRetry()) return answer;
      const wait = backoffMs * 2 ** time * (0.5 + random() / 2);
      await new Promise((resolve) => {
        setTimeout(resolve, wait);
      });
    }
  };

  /** Each caller gets a value of its own, also where several share an answer. */
  const read = async (answer: Answer): Promise<Consumed<Output>> => {
    if (!answer.ok) return answer;
    let value: unknown;
    try {
      value = parseJsonBody(UTF8.decode(answer.body));
    } catch (error) {
      return failed('upstream.answer_invalid', error);
    }
    try {
      const result = await validate(value);
      return result.issues === undefined
        ? { ok: true, value: result.value }
        : failed('upstream.answer_invalid', result.issues);
    } catch (error) {
      return failed('upstream.failed', error);
    }
  };

  return async (input, init) => {
    const url = String(input);
    const method = (init?.method ?? 'GET').toUpperCase();
    const isSafe = method === 'GET' || method === 'HEAD';
    // Who asks with headers, a signal or another option of his own wants his own answer: it may depend on them.
    const isPlain = Object.entries(init ?? {}).every(
      ([name, value]) => name === 'method' || value === undefined,
    );
    if (!isSafe || !isPlain) return read(await call(url, init, isSafe));
    const key = `${method} ${url}`;
    let flight = flights.get(key);
    if (flight === undefined) {
      flight = call(url, init, true).finally(() => flights.delete(key));
      flights.set(key, flight);
    }
    return read(await flight);
  };
}

/** The body of an answer that may be used once it was read, or why there is none. */
type Answer = { readonly ok: true; readonly body: Uint8Array } | Deny;

interface Attempt {
  readonly result: HostResult;
  readonly answer: Answer;
}

type UpstreamCode =
  | 'upstream.failed'
  | 'upstream.status'
  | 'upstream.answer_invalid'
  | 'upstream.circuit_open';

function failed(code: UpstreamCode, cause: unknown): Deny {
  return deny('upstream', code, { detail: 'A service that this one depends on failed.', cause });
}
