import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { inTime } from '../lib/in-time.ts';
import { chain, type MaybePromise } from '../lib/maybe-promise.ts';
import { assertKnownOptions, assertMethods } from '../lib/options.ts';
import { isName } from './attributes.ts';
import { loadInBatches } from './load-in-batches.ts';
import { keepRelation, NOWHERE, type Relation, type RelationContext } from './relation-info.ts';

export type { Relation, RelationContext } from './relation-info.ts';

interface CommonOptions<S extends string | number, O extends string | number> {
  /** Every object that the subject has it to. Must say the same as `check`; lists are made from it. */
  readonly list: (
    subject: NoInfer<S>,
    context: RelationContext,
  ) => MaybePromise<readonly NoInfer<O>[]>;
  /** How long each may take. Default: `'1s'`. */
  readonly timeout?: Duration | undefined;
  /** More objects than this are not listed: the list is then closed. Default: 10,000. */
  readonly maxListed?: number | undefined;
}

/** Whether the subject has the relation to the object. */
type Check<S, O> = (subject: S, object: O, context: RelationContext) => MaybePromise<boolean>;
/**
 * To which of these objects the subject has it. All that is asked for in one turn of the event loop comes in one call
 * for each subject and tenant, so that fields of a list do not ask one by one.
 */
type CheckMany<S, O> = (
  subject: S,
  objects: readonly O[],
  context: RelationContext,
) => MaybePromise<readonly O[]>;

/** Options of {@link relation}: how to ask about one object, about many at once, or both; one alone goes to `check`. */
export type RelationOptions<S extends string | number, O extends string | number> = CommonOptions<
  S,
  O
> &
  (
    | {
        readonly check: Check<S, O>;
        readonly checkMany?: CheckMany<NoInfer<S>, NoInfer<O>> | undefined;
      }
    | { readonly check?: undefined; readonly checkMany: CheckMany<S, O> }
  );

/**
 * A relation that a rule cannot read from attributes alone: membership of a group, a share, a folder above. `check`
 * answers for one object, `list` for all of them, so that a list and a single read agree. With `checkMany` the objects
 * of a list are asked about together: of nested GraphQL fields, say.
 *
 * Whatever throws, rejects, takes too long or answers neither true nor false is undecidable, and so admits nobody.
 *
 * @throws ConfigurationError without a name, `list`, and `check` or `checkMany`.
 * @example
 * const member = relation('member', {
 *   check: (user: string, group: string) => groups.has(user, group),
 *   list: (user) => groups.of(user),
 * });
 * const rules = rule.related(member, caller.id, document.groupId);
 */
export function relation<S extends string | number, O extends string | number>(
  name: string,
  options: RelationOptions<S, O>,
): Relation<S, O> {
  const where = `relation ${JSON.stringify(name)}`;
  assertConfiguration(isName(name), `${where}: name must be a word like 'member'.`);
  assertKnownOptions(where, options, ['check', 'checkMany', 'list', 'timeout', 'maxListed']);
  assertMethods(where, 'options', options, ['list'], '{ check, list }');
  const { check, checkMany, list, maxListed = 10_000 } = options;
  for (const ask of [check, checkMany]) {
    assertConfiguration(
      ask === undefined ? (check ?? checkMany) !== undefined : typeof ask === 'function',
      `${where}: write check(subject, object), checkMany(subject, objects) or both, as functions.`,
    );
  }
  const timeoutMs = durationMs(where, 'timeout', options.timeout ?? '1s', { max: '1m' });
  assertConfiguration(
    Number.isInteger(maxListed) && maxListed >= 1 && maxListed <= 100_000,
    `${where}: maxListed must be a whole number from 1 to 100,000.`,
  );
  // There is one of them.
  const ask = checkMany ? inBatches(checkMany, check) : (check as Check<S, O>);
  const self = Object.freeze<Relation<S, O>>({
    name,
    check: (one, other, context) => inTime(() => ask(one, other, context), timeoutMs),
    list: (one, context) => {
      const listed = inTime(() => list(one, context), timeoutMs);
      return listed instanceof Promise
        ? listed.then((objects) => bounded(where, objects, maxListed))
        : bounded(where, listed as readonly O[], maxListed);
    },
  });
  keepRelation(self);
  return self;
}

/** The most objects that are asked about at once. */
const MOST_AT_ONCE = 1_000;

function contextOf(tenant: string | null): RelationContext {
  return tenant === null ? NOWHERE : { tenant };
}

function inBatches<S extends string | number, O extends string | number>(
  checkMany: CheckMany<S, O>,
  check: Check<S, O> | undefined,
): Check<S, O> {
  const ask = loadInBatches(
    (objects, key) => {
      // What is written below.
      const [subject, tenant] = JSON.parse(key as string) as [S, string | null];
      const [one] = objects as readonly O[];
      if (objects.length > 1 || one === undefined || check === undefined)
        return checkMany(subject, objects as readonly O[], contextOf(tenant));
      return chain<boolean, readonly O[]>(
        () => check(subject, one, contextOf(tenant)),
        (has) => {
          if (typeof has !== 'boolean') throw new TypeError('neither true nor false');
          return has ? [one] : [];
        },
      );
    },
    (object) => object,
    MOST_AT_ONCE,
  );
  return async (subject, object, { tenant }) =>
    (await ask(object, JSON.stringify([subject, tenant ?? null]))) !== undefined;
}

function bounded<O>(where: string, objects: readonly O[], most: number): readonly O[] {
  if (!Array.isArray(objects)) throw new TypeError(`${where}: list did not answer a list`);
  if (objects.length > most)
    throw new RangeError(`${where}: list answered more than ${most} objects`);
  return objects;
}
