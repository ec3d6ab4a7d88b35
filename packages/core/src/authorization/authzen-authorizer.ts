import { boundedCache } from '../lib/bounded-cache.ts';
import { isOlder, withinTime } from '../lib/clock.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { boundedFetcher, fetchTimeoutMs, urlProblem } from '../lib/fetch-json.ts';
import { freezeDeep } from '../lib/freeze-deep.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { isObject, member, parseStrictObject } from '../lib/strict-json.ts';
import type {
  Authorizer,
  AuthorizerAnswer,
  AuthorizerQuestion,
  AuthorizerSearch,
} from './authorizer.ts';
import { type AuthzenEndpoints, discoveredEndpoints, usualEndpoints } from './authzen-endpoints.ts';

/** Options of {@link authzenAuthorizer}. */
export interface AuthzenAuthorizerOptions {
  /** Where the decision point is; `/access/v1/evaluation` and the others are below it. */
  readonly url: string;
  /**
   * Reads from the metadata of the decision point where its endpoints are (AuthZEN 1.0 §9), once in ten minutes. They
   * must be of the same origin. Default: false, the paths of the specification.
   */
  readonly discover?: boolean | undefined;
  /**
   * What it knows this API by: an API key, a token. Asked for each call, so that tokens may end. It is no part of the
   * question: what a decision hangs on belongs into its context, or a kept one is used for others.
   */
  readonly headers?:
    | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>)
    | undefined;
  /** How long an answer may take, and `headers` before it. Default: `'2s'`. */
  readonly timeout?: Duration | undefined;
  /** How long a decision may be used again. Default: it is not. A change of policy is late by this. */
  readonly cache?: { readonly ttl: Duration; readonly maxEntries?: number | undefined } | undefined;
  /** Pages of a search that are read; a longer list is a failure. Default: 20. */
  readonly maxPages?: number | undefined;
  /** Takes `http:` where the host is this machine: for tests. */
  readonly insecureLoopback?: boolean | undefined;
  /** Default: the runtime's own. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** An authorizer that answers all questions of AuthZEN. */
export type AuthzenAuthorizer = {
  readonly [Name in keyof Authorizer]-?: NonNullable<Authorizer[Name]>;
};

/** The most that a page of a search, or a batch of decisions, may hold. */
const MAX_BYTES = 1_048_576;
const MOST_QUESTIONS = 1_000;

/**
 * Asks a policy decision point over HTTP, as AuthZEN 1.0 says (evaluation, evaluations, resource search, metadata).
 * Rejects where it is down, slow, answers with another status than 200 or says something that is not a decision: the
 * call is then denied with 503, never admitted.
 *
 * A cached decision is found again only by the whole question: subject, action, resource and context with all of
 * their properties.
 *
 * @throws ConfigurationError for a URL that is not https, and durations without a unit.
 * @example
 * const pdp = authzenAuthorizer({
 *   url: 'https://pdp.example.com',
 *   headers: () => ({ authorization: `Bearer ${token}` }),
 * });
 * const reads = relation('reads', authorizerRelation(pdp, {
 *   subject: 'user',
 *   action: 'read',
 *   resource: 'document',
 * }));
 */
export function authzenAuthorizer(options: AuthzenAuthorizerOptions): AuthzenAuthorizer {
  const where = 'authzenAuthorizer';
  assertKnownOptions(where, options, [
    'url',
    'discover',
    'headers',
    'timeout',
    'cache',
    'maxPages',
    'insecureLoopback',
    'fetch',
    'now',
  ]);
  const { url, headers = () => ({}), cache, maxPages = 20, now = () => Date.now() } = options;
  const problem = urlProblem(url, options.insecureLoopback === true);
  assertConfiguration(problem === undefined, `${where}: url: ${problem}.`);
  assertConfiguration(typeof headers === 'function', `${where}: headers must be a function.`);
  assertConfiguration(
    Number.isInteger(maxPages) && maxPages >= 1 && maxPages <= 1_000,
    `${where}: maxPages must be a whole number from 1 to 1,000.`,
  );
  assertConfiguration(
    options.discover === undefined || typeof options.discover === 'boolean',
    `${where}: discover must be true or false.`,
  );
  const base = url.endsWith('/') ? url.slice(0, -1) : url;
  const bounds = { timeout: options.timeout ?? '2s', maxBytes: MAX_BYTES, fetch: options.fetch };
  const fetchBounded = boundedFetcher(where, bounds);
  const timeoutMs = fetchTimeoutMs(where, bounds);
  const kept = readCache(where, cache);
  const usual = usualEndpoints(base);
  const insecureLoopback = options.insecureLoopback === true;
  const endpoints =
    options.discover === true
      ? discoveredEndpoints(where, { base, fetch: fetchBounded, insecureLoopback, now })
      : () => usual;

  const post = async (
    name: keyof AuthzenEndpoints,
    body: string,
  ): Promise<Record<string, unknown>> => {
    // Known, or read first.
    const { [name]: endpoint } = await Promise.resolve(endpoints());
    if (endpoint === undefined) throw new Error(`${where}: the decision point offers no ${name}`);
    // Answered at once or later.
    const given = await withinTime(Promise.resolve(headers()), timeoutMs);
    const response = await fetchBounded(endpoint, {
      method: 'POST',
      headers: { ...given, accept: 'application/json', 'content-type': 'application/json' },
      body,
    });
    if (response.status !== 200) throw new Error(`${where}: ${name} answered ${response.status}`);
    const answer = response.body && parseStrictObject(response.body);
    if (answer === undefined)
      throw new Error(`${where}: ${name} did not answer a well-formed JSON object`);
    return answer;
  };

  return Object.freeze({
    evaluate: async (question: AuthorizerQuestion) => {
      // The request body is the key, so that no two questions share an answer.
      const asked = questionText(question);
      const known = kept?.entries.get(asked);
      const askedAt = now();
      if (kept && known && !isOlder(known.askedAt, kept.ttlMs, askedAt)) return known.answer;
      const answer = readAnswer(where, await post('evaluation', asked));
      const size = (asked.length + (kept ? JSON.stringify(answer).length : 0)) * 2 + 200;
      kept?.entries.set(asked, { answer, askedAt }, size);
      return answer;
    },
    evaluateAll: async (questions: readonly AuthorizerQuestion[]) => {
      if (questions.length === 0) return [];
      if (questions.length > MOST_QUESTIONS) {
        throw new RangeError(`${where}: more than ${MOST_QUESTIONS} questions at once`);
      }
      const { evaluations } = await post('evaluations', questionText({ evaluations: questions }));
      // A missing answer would move all later ones to the question before.
      if (!Array.isArray(evaluations) || evaluations.length !== questions.length) {
        throw new Error(`${where}: the number of answers is not that of the questions`);
      }
      return evaluations.map((each) => readAnswer(where, each));
    },
    searchResources: async (search: AuthorizerSearch) => {
      const ids: string[] = [];
      let token: string | undefined;
      for (let page = 0; page < maxPages; page++) {
        const asked = token === undefined ? search : { ...search, page: { token } };
        const { results, page: next } = await post('searchResources', questionText(asked));
        if (!Array.isArray(results)) throw new Error(`${where}: a search answered no results`);
        for (const each of results as unknown[]) {
          if (
            !isObject(each) ||
            typeof member(each, 'id') !== 'string' ||
            member(each, 'type') !== search.resource.type
          ) {
            throw new Error(
              `${where}: a search answered something that is not a resource of the type asked for`,
            );
          }
          // It was seen to be a text.
          ids.push(each['id'] as string);
        }
        const following: unknown = isObject(next) ? next['next_token'] : undefined;
        if (typeof following !== 'string' || following === '') return ids;
        token = following;
      }
      throw new RangeError(`${where}: a search has more than ${maxPages} pages`);
    },
  });
}

interface Kept {
  readonly ttlMs: number;
  readonly entries: ReturnType<typeof boundedCache<{ answer: AuthorizerAnswer; askedAt: number }>>;
}

function readCache(where: string, cache: AuthzenAuthorizerOptions['cache']): Kept | undefined {
  if (cache === undefined) return undefined;
  assertKnownOptions(`${where}, cache`, cache, ['ttl', 'maxEntries']);
  const { maxEntries = 10_000 } = cache;
  assertConfiguration(
    Number.isInteger(maxEntries) && maxEntries >= 2,
    `${where}: cache.maxEntries must be a whole number, at least 2.`,
  );
  return {
    ttlMs: durationMs(where, 'cache.ttl', cache.ttl, { max: '1h' }),
    entries: boundedCache({ maxEntries, maxBytes: maxEntries * 2_048 }),
  };
}

function readAnswer(where: string, answer: unknown): AuthorizerAnswer {
  const decision = isObject(answer) ? member(answer, 'decision') : undefined;
  if (!isObject(answer) || typeof decision !== 'boolean') {
    throw new Error(`${where}: an answer has no decision`);
  }
  const context = member(answer, 'context');
  // All who ask the same get the same one.
  return freezeDeep(isObject(context) ? { decision, context } : { decision });
}

/**
 * Questions that say the same in another order of members are one text. A set is the list of its members.
 *
 * @throws TypeError for what JSON would write as something else: it would decide about another question.
 */
function questionText(question: object): string {
  return JSON.stringify(question, (name, value: unknown) => {
    if (value instanceof Set) return [...value];
    if (
      value instanceof Map ||
      typeof value === 'function' ||
      (typeof value === 'number' && !Number.isFinite(value))
    ) {
      throw new TypeError(`authzenAuthorizer: JSON cannot say what ${JSON.stringify(name)} is`);
    }
    if (!isObject(value)) return value;
    const names = Object.keys(value).toSorted();
    return Object.fromEntries(names.map((each) => [each, value[each]]));
  });
}
