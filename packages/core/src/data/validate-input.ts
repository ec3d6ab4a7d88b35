import { type Denial, fault } from '../engine/denial.ts';
import type { CallFacts } from '../engine/facts.ts';
import type { BodyOutcome, Obligations } from '../engine/obligations.ts';
import { denyWith, type NoFacts, type Outcome, pass } from '../engine/outcome.ts';
import { definePolicy, type Policy } from '../engine/policy.ts';
import type { RequestLike } from '../engine/request.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { isToken } from '../lib/header-syntax.ts';
import { chain, type MaybePromise } from '../lib/maybe-promise.ts';
import { assertBetween, assertKnownOptions, assertOneOf } from '../lib/options.ts';
import { type CheckedInput, type InputRules, inputCheck } from './check-input.ts';
import { type InputPart, inputDenial } from './input-errors.ts';
import { readHeaders, readParams, readQuery } from './request-input.ts';
import { isStandardSchema, type OutputOf, type StandardSchema } from './standard-schema.ts';
import { assertVisibility, type CallerFacts, isVisibleTo, type Visibility } from './visibility.ts';

/** Options of {@link validateInput}: a schema for each part of the call that the handler reads. */
export interface ValidateInputOptions {
  /** Of the body, or of each message of a gRPC call. The handler gets what the schema has made of it. */
  readonly body?: StandardSchema | undefined;
  /**
   * Bodies of certain callers, who may write members that others may not: the first that fits the caller stands in
   * for `body`. Put the policy behind authentication; without a principal none of them fits.
   *
   * @example
   * { body: article, bodyFor: [{ who: { roles: ['editor'] }, body: article.extend({ status: z.string() }) }] }
   */
  readonly bodyFor?:
    | readonly { readonly who: Visibility; readonly body: StandardSchema }[]
    | undefined;
  /** Of the query: texts, and lists of texts for parameters that are there several times. */
  readonly query?: StandardSchema | undefined;
  /** Of the path's parameters, as the route names them. */
  readonly params?: StandardSchema | undefined;
  /** Of these headers, which the schema knows under the same names in lower case. Others are not looked at. */
  readonly headers?:
    | { readonly names: readonly string[]; readonly schema: StandardSchema }
    | undefined;
  /**
   * Set where a schema makes something else of an object or a list (renames members, sorts, joins), so that what it
   * answers cannot be compared with the input. Each schema must then describe itself as JSON Schema. Default: false.
   */
  readonly reshapes?: boolean | undefined;
  /** The most errors that a denial lists. Default: 20. */
  readonly maxErrors?: number | undefined;
  /** The most values, counted over all levels. Default: 10,000. */
  readonly maxValues?: number | undefined;
  /** The deepest nesting. Default: 32. */
  readonly maxDepth?: number | undefined;
  /** How long an asynchronous schema may take. Default: `'2s'`. */
  readonly timeout?: Duration | undefined;
}

/** The parts of the request that were validated, as their schemas read them. */
export interface InputFacts<O extends ValidateInputOptions> {
  readonly input: {
    readonly query: OutputOf<O['query']>;
    readonly params: OutputOf<O['params']>;
    readonly headers: OutputOf<NonNullable<O['headers']>['schema']>;
  };
}

/** What it adds: nothing where the body alone is validated, which comes after the decision. */
export type InputFactsOf<O extends ValidateInputOptions> = O extends
  | { readonly query: StandardSchema }
  | { readonly params: StandardSchema }
  | { readonly headers: object }
  ? InputFacts<O>
  : NoFacts;

const NAME = 'validateInput';
const OPTIONS = [
  'body',
  'bodyFor',
  'query',
  'params',
  'headers',
  'reshapes',
  'maxErrors',
  'maxValues',
  'maxDepth',
  'timeout',
];

type Check = (input: unknown, isDecoded?: boolean) => MaybePromise<CheckedInput>;
type Part = Exclude<InputPart, 'body'>;

/**
 * Denies input that does not fit its schema, of any library that implements Standard Schema (zod, valibot, arktype and
 * others). Members that the schema does not name are denied, too, also where the library would drop or keep them, so
 * that nobody writes a member that was not meant to be written (OWASP API3, mass assignment). Names that reach a
 * prototype are denied always. The handler gets the value that the schema has made; the query, parameters and headers
 * are there as the fact `input`.
 *
 * Denies with `input.invalid`, `input.unknown_member` (400), `input.too_large` (413). Errors name the place and the
 * rule, never a value, in the problem's member `errors`: `[{ in, pointer, detail }]`. An asynchronous schema that takes
 * too long is `input.unavailable` (503); what cannot be compared, and the body of a GraphQL operation, whose literals
 * are not in it, is `input.uncheckable` (500).
 *
 * @throws ConfigurationError without a schema, for what is not a Standard Schema, and for a schema that neither drops
 * nor describes what it does not know.
 * @example
 * const create = guard<HttpFacts>()
 *   .use(authenticateJwt({ issuer, audience }))
 *   .use(validateInput({ body: z.object({ name: z.string().max(100) }) }))
 *   .use(requirePermission(model, 'articles:create'));
 */
export function validateInput<const O extends ValidateInputOptions>(
  options: O,
): Policy<CallFacts & CallerFacts, InputFactsOf<O>, 'check'> {
  const { body, headers, reshapes = false } = options;
  assertKnownOptions(NAME, options, OPTIONS);
  const rules: InputRules = {
    maxErrors: wholeNumber('maxErrors', options.maxErrors ?? 20, 100),
    maxValues: wholeNumber('maxValues', options.maxValues ?? 10_000, 1_000_000),
    maxDepth: wholeNumber('maxDepth', options.maxDepth ?? 32, 128),
    timeoutMs: durationMs(NAME, 'timeout', options.timeout ?? '2s', { max: '1m' }),
    reshapes,
  };
  assertOneOf(NAME, 'reshapes', reshapes, [true, false]);
  const names = headers === undefined ? [] : headerNames(headers);
  const parts: (readonly [Part, Check])[] = [];
  for (const [part, schema] of [
    ['query', options.query],
    ['params', options.params],
    ['headers', headers?.schema],
  ] as const) {
    if (schema !== undefined) parts.push([part, checkFor(part, schema, rules)]);
  }
  const ofBody = body === undefined ? undefined : checkFor('body', body, rules);
  assertConfiguration(
    ofBody !== undefined || parts.length > 0,
    `${NAME}: give a schema for body, query, params or headers.`,
  );
  const usual = ofBody && admitting(ofBody);
  const certain = (options.bodyFor ?? []).map(({ who, body: schema }) => {
    assertVisibility(`${NAME}, bodyFor`, who);
    return { who, outcome: admitting(checkFor('body', schema, rules)) };
  });
  assertConfiguration(
    certain.length === 0 || usual !== undefined,
    `${NAME}: bodyFor needs body as well, for all other callers.`,
  );
  const outcomeFor = ({ principal, call }: CallFacts & CallerFacts): Admitting | undefined => {
    const outcomes = certain.find(({ who }) => isVisibleTo(principal, who))?.outcome ?? usual;
    return call.protocol === 'grpc' ? outcomes?.decoded : outcomes?.plain;
  };
  const read = (part: Part, request: RequestLike, { call }: CallFacts): unknown => {
    if (part === 'query') return readQuery(request);
    return part === 'params' ? readParams(request, call) : readHeaders(request.headers, names);
  };

  const checkParts = (
    at: number,
    request: RequestLike,
    facts: CallFacts & CallerFacts,
    found: Readonly<Record<string, unknown>>,
  ): MaybePromise<Outcome<InputFactsOf<O>>> => {
    const [part, check] = parts[at] ?? [];
    // The members of `found` are those that the options ask for, as their schemas answered them.
    if (part === undefined || check === undefined)
      return pass({ input: found } as InputFactsOf<O>, outcomeFor(facts)?.obligations);
    const input = read(part, request, facts);
    if (input === undefined) return denyWith(unreadable(part));
    return chain<CheckedInput, Outcome<InputFactsOf<O>>>(
      () => check(input),
      (outcome) =>
        outcome.ok
          ? checkParts(at + 1, request, facts, { ...found, [part]: outcome.value })
          : denyWith(outcome.denial),
      (cause) => denyWith(fault('policy.threw', cause)),
    );
  };

  return definePolicy<CallFacts & CallerFacts, InputFactsOf<O>, 'check'>({
    name: NAME,
    role: 'check',
    purposes: ['input'],
    needs: ofBody ? ['call', 'bodies'] : ['call'],
    adds: parts.length > 0 ? ['input'] : [],
    check: (request, facts) => {
      if (ofBody !== undefined && facts.call.protocol === 'graphql') return denyWith(GRAPHQL);
      if (ofBody !== undefined && 'messages' in facts) return denyWith(MISPLACED);
      // Without parts there is a body to show, and the outcome was made with the policy.
      const made = parts.length === 0 ? outcomeFor(facts) : undefined;
      return made ?? checkParts(0, request, facts, EMPTY);
    },
  });
}

const EMPTY = Object.freeze({ query: undefined, params: undefined, headers: undefined });

function checkFor(part: InputPart, schema: StandardSchema, rules: InputRules): Check {
  assertConfiguration(
    isStandardSchema(schema),
    `${NAME}: the schema of ${part} must implement Standard Schema 1, like those of zod, valibot and arktype.`,
  );
  return inputCheck(NAME, part, schema, rules);
}

/** An admission that shows bodies to a check. */
interface Admitting {
  readonly ok: true;
  readonly obligations: Obligations;
}

/** Bodies as they are, and messages of gRPC. */
function admitting(check: Check): { readonly plain: Admitting; readonly decoded: Admitting } {
  const outcome = (isDecoded: boolean): Admitting =>
    Object.freeze({
      ok: true,
      obligations: Object.freeze({ onMessage: inspector(check, isDecoded) }),
    });
  return { plain: outcome(false), decoded: outcome(true) };
}

function inspector(
  check: Check,
  isDecoded: boolean,
): (message: unknown) => MaybePromise<BodyOutcome> {
  return (message) => {
    const checked = check(message, isDecoded);
    return checked instanceof Promise
      ? checked.then((each) => outcomeOf(each, message))
      : outcomeOf(checked, message);
  };
}

/** No body stays no body; of a body that is there, the handler must get what the schema has made. */
function outcomeOf(checked: CheckedInput, message: unknown): BodyOutcome {
  if (!checked.ok || checked.value !== undefined) return checked;
  return message === undefined
    ? { ok: true }
    : { ok: false, denial: fault('input.uncheckable', 'the schema made nothing of the body') };
}

function unreadable(part: Part): Denial {
  return inputDenial('input.invalid', [
    { in: part, pointer: '', detail: `The ${part} cannot be read, or there is too much of it.` },
  ]);
}

function headerNames({ names }: { readonly names: readonly string[] }): readonly string[] {
  assertConfiguration(
    Array.isArray(names) &&
      names.length > 0 &&
      names.every((name) => isToken(name) && name === name.toLowerCase()),
    `${NAME}: headers must be { names: ['x-request-id'], schema }, with the names in lower case.`,
  );
  return [...names];
}

function wholeNumber(option: string, value: number, most: number): number {
  assertBetween(NAME, option, value, 1, most, '(a whole number)');
  assertConfiguration(Number.isInteger(value), `${NAME}: ${option} must be a whole number.`);
  return value;
}

const MISPLACED: Denial = Object.freeze(
  fault(
    'input.uncheckable',
    `${NAME}: put it before guardMessages, so that the handler gets the input that was decided about.`,
  ),
);

const GRAPHQL: Denial = Object.freeze(
  fault(
    'input.uncheckable',
    `${NAME}: the variables of a GraphQL operation are not all of its input, since arguments can be written as ` +
      'literals. Its schema checks them; take body off the policies of GraphQL.',
  ),
);
