import { type Deny, deny, type Outcome, pass, sharedDenial } from '../engine/outcome.ts';
import { definePolicy, type Policy } from '../engine/policy.ts';
import type { RequestLike } from '../engine/request.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { inTime } from '../lib/in-time.ts';
import { chain, type MaybePromise } from '../lib/maybe-promise.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { loadInBatches } from './load-in-batches.ts';
import { NOT_FOUND, notFound } from './object-denials.ts';
import { isOwn } from './own-tenant.ts';
import { type ResourceLike } from './resource.ts';
import { type ResourceInfo, resourceInfo } from './resource-info.ts';
import { scalar } from './values.ts';

interface CommonOptions<Needs extends object> {
  /**
   * The id that the caller sent: `pathParameter('id')`, `queryParameter('id')`, `messageMember('id')` behind
   * `guardMessages`, `fieldArgument('id')` or `sourceMember('id')` of a GraphQL field, or a function of your own. It is
   * checked here, so hand it on as it came.
   */
  readonly id: (request: RequestLike, facts: Readonly<Needs>) => unknown;
  /** The longest id, in characters. Default: 256. */
  readonly maxIdLength?: number | undefined;
  /** How long loading may take. Default: `'2s'`. */
  readonly timeout?: Duration | undefined;
}

/** Options of {@link loadObject}: how to load one object, or many at once. */
export type LoadObjectOptions<Id, O, Needs extends object> = CommonOptions<Needs> &
  (
    | {
        /** The object, or nothing where there is none. Give the id as it is to the database. */
        readonly load: (id: Id, facts: Readonly<Needs>) => MaybePromise<O | null | undefined>;
        readonly loadMany?: undefined;
      }
    | {
        /**
         * The objects with these ids that there are, in any order. All that is asked for in one turn of the event
         * loop comes in one call for each tenant, so that fields of a list do not load one by one. `tenant` is
         * undefined where the resource has no tenants.
         */
        readonly loadMany: (
          ids: readonly Id[],
          tenant: string | undefined,
        ) => MaybePromise<readonly (O | null | undefined)[]>;
        readonly load?: undefined;
      }
  );

/** The longest list of ids that is loaded at once. */
const MOST_AT_ONCE = 1_000;

/**
 * Loads the object that a call is about and adds it as a fact, under the name of its resource. The handler gets this
 * object, so that no second query is written that nobody has checked. Only an object that has the id that was asked
 * for and says that it belongs to the tenant of the call is taken; put `require` or `requireOwner` behind it to say
 * who may touch it.
 *
 * Denies with `object.id_malformed` (400) for an id that is not a text (or an integer, as the resource says);
 * `object.not_found` (404) where there is none, where it has another id, and where its tenant is another or not
 * known; `object.unavailable` (503) where loading fails or takes too long.
 *
 * @throws ConfigurationError without an id or a way to load it.
 * @example
 * const loadDocument = loadObject(document, {
 *   id: pathParameter('id'),
 *   load: (id) => db.documents.find(id),
 * });
 * const read = guard<HttpFacts>()
 *   .use(authenticateJwt({ issuer, audience }))
 *   .use(loadDocument)
 *   .use(require(rule.in(caller.id, document.readers)));
 */
export function loadObject<
  Name extends string,
  O extends object,
  Loaded extends O,
  Tenant extends object,
  Needs extends object,
>(
  of: ResourceLike<Name, O, Tenant>,
  options: LoadObjectOptions<IdOf<O>, Loaded, Needs>,
): Policy<Needs & Tenant, { readonly [N in Name]: Loaded }, 'check'> {
  const resource = resourceInfo('loadObject', of);
  const where = `loadObject(${resource.name})`;
  assertKnownOptions(where, options, ['id', 'load', 'loadMany', 'maxIdLength', 'timeout']);
  const { id, load, loadMany, maxIdLength = 256 } = options;
  assertConfiguration(
    typeof id === 'function',
    `${where}: id must be a function of the request and the facts that answers the id that the caller sent.`,
  );
  assertConfiguration(
    (typeof load === 'function') !== (typeof loadMany === 'function'),
    `${where}: write either load(id) or loadMany(ids).`,
  );
  assertConfiguration(
    Number.isInteger(maxIdLength) && maxIdLength >= 1 && maxIdLength <= 4_096,
    `${where}: maxIdLength must be a whole number of characters from 1 to 4,096.`,
  );
  const timeoutMs = durationMs(where, 'timeout', options.timeout ?? '2s', { max: '1m' });
  const inBatch =
    loadMany &&
    loadInBatches(
      // The ids are of the type that the resource says.
      loadMany as (
        ids: readonly unknown[],
        tenant: string | undefined,
      ) => MaybePromise<readonly unknown[]>,
      (object) => idOf(resource, object),
      MOST_AT_ONCE,
    );
  const fetch = (id: IdOf<O>, facts: Readonly<Needs & Tenant>): MaybePromise<unknown> => {
    if (load !== undefined) return load(id, facts);
    const tenant = resource.tenant?.of(facts);
    // Without a tenant nothing is loaded, since the object could not be accepted anyway.
    if (resource.tenant !== undefined && (typeof tenant !== 'string' || tenant === ''))
      return undefined;
    // One of both is there, and a tenant that is one is a text.
    return inBatch?.(id, tenant as string | undefined);
  };
  return definePolicy<Needs & Tenant, { readonly [N in Name]: Loaded }, 'check'>({
    name: where,
    role: 'check',
    adds: [resource.name],
    check: (request, facts) => {
      const wanted = readId(resource, id(request, facts), maxIdLength);
      if (wanted === undefined) return MALFORMED;
      return chain<unknown, Outcome<{ readonly [N in Name]: Loaded }>>(
        // The id was found to be of the type that the resource says.
        () => inTime(() => fetch(wanted as IdOf<O>, facts), timeoutMs),
        (object) => {
          if (object === undefined || object === null) return NOT_FOUND;
          const problem = problemOf(resource, wanted, object, facts);
          if (problem !== undefined) return notFound(problem);
          // The one name is that of the resource, and the object is what the loader gave.
          return pass({ [resource.name]: object } as { readonly [N in Name]: Loaded });
        },
        unavailable,
      );
    },
  });
}

/** The type of the id: that of its field, which the resource names. */
type IdOf<O> = O extends { readonly id: infer Id extends string | number } ? Id : string | number;

/** The id in its own type; a number is a number and a text a text, but for digits in a path. */
function readId(
  { id, fields }: ResourceInfo,
  value: unknown,
  maxLength: number,
): string | number | undefined {
  const type = fields.get(id)?.type === 'integer' ? 'integer' : 'text';
  if (type === 'integer') {
    const number =
      typeof value === 'string' && /^(?:0|-?[1-9]\d{0,15})$/.test(value) ? Number(value) : value;
    return scalar('integer', number) as number | undefined;
  }
  const known = scalar('text', value);
  return typeof known === 'string' && known !== '' && known.length <= maxLength ? known : undefined;
}

function idOf({ id, fields }: ResourceInfo, object: unknown): unknown {
  if (typeof object !== 'object' || object === null || !Object.hasOwn(object, id)) return undefined;
  const type = fields.get(id)?.type === 'integer' ? 'integer' : 'text';
  return scalar(type, (object as Record<string, unknown>)[id]);
}

/** Why what was loaded is not the object that was asked for. */
function problemOf(
  resource: ResourceInfo,
  wanted: string | number,
  object: unknown,
  facts: object,
): string | undefined {
  // A database that ignores case finds another one; a loader may simply be wrong.
  if (idOf(resource, object) !== wanted)
    return `the ${resource.name} that was loaded has another id`;
  if (resource.tenant === undefined) return undefined;
  return isOwn(object, resource.tenant.field, resource.tenant.of(facts))
    ? undefined
    : `the tenant of the ${resource.name} is not known to be that of the call`;
}

function unavailable(cause: unknown): Deny {
  return deny('unavailable', 'object.unavailable', { retryAfterMs: 1_000, cause });
}

const MALFORMED = sharedDenial({
  kind: 'malformed',
  code: 'object.id_malformed',
  detail: 'The id of the object is missing or has the wrong form.',
});
