import { fault } from '../engine/denial.ts';
import type { CallFacts } from '../engine/facts.ts';
import { type Deny, denyWith, type Outcome, pass, sharedDenial } from '../engine/outcome.ts';
import { definePolicy, type Policy } from '../engine/policy.ts';
import { pathOf } from '../engine/request.ts';
import { settingsOf } from '../engine/settings.ts';
import { tenantOf } from '../engine/tenant-of.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { chain } from '../lib/maybe-promise.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { isStorableText } from '../lib/storable-text.ts';
import { type CursorSecrets, type PagePosition, pageCursors } from './page-cursors.ts';
import { readParameters, readQuery } from './request-input.ts';

/** Cursors of {@link limitPage}. */
export interface PageCursorOptions<Needs extends object> extends CursorSecrets {
  /**
   * Whose the cursor is: nobody else can use it. Where an earlier policy added a `tenant`, it opens in that one alone.
   *
   * @example
   * { secrets, caller: ({ principal }) => principal.id }
   */
  readonly caller: (facts: Readonly<Needs>) => string;
}

/** Options of {@link limitPage}. */
export interface LimitPageOptions<
  Sort extends string,
  Filter extends string,
  Needs extends object,
> {
  /** The largest page (`limit=`), and the one without a word. */
  readonly size: { readonly max: number; readonly default?: number | undefined };
  /** The deepest `offset=`. Default: 0, so that there is none: use cursors. */
  readonly maxOffset?: number | undefined;
  /** The fields of `sort=`, as `name` or `-name`, several with commas. Default: none. */
  readonly sort?: readonly Sort[] | undefined;
  /** Parameters that filter by equality: `status=open`. Default: none. */
  readonly filter?: readonly Filter[] | undefined;
  /**
   * Other parameters of the operation, which something else checks. A cursor opens with the same ones alone, as they
   * may say what the list is of. Default: none.
   */
  readonly others?: readonly string[] | undefined;
  /**
   * Where the parameters are, by the names that the query has for them: in a message of gRPC, or the arguments of a
   * GraphQL field. What is undefined or null is not there. With cursors, hand over what the list is of as one of
   * `others`: nothing else of a message is known here. Default: the query.
   *
   * @example
   * guardMessages(guard<CallFacts & MessageFacts>().use(limitPage({
   *   size: { max: 100 },
   *   from: ({ message: { pageSize, pageToken } }) => ({ limit: pageSize || null, cursor: pageToken || null }),
   * })).use(allowAnonymous()))
   */
  readonly from?:
    | ((facts: Readonly<CallFacts & Needs>) => Readonly<Record<string, unknown>>)
    | undefined;
  /** Takes `cursor=`, and seals the next one. Default: there are no cursors. */
  readonly cursors?: PageCursorOptions<Needs> | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** What part of a list the caller gets. Every field is one of those that the options allow. */
export interface Page<Sort extends string = string, Filter extends string = string> {
  readonly size: number;
  readonly offset: number;
  readonly sort: readonly { readonly field: Sort; readonly descending: boolean }[];
  readonly filters: Readonly<Partial<Record<Filter, string>>>;
  /** Where the page before ended, from the cursor; undefined for the first page. */
  readonly after: PagePosition | undefined;
  /**
   * The cursor of the next page, from the sort values of the last row: for this caller, operation, path, order,
   * filters and `others`. Rejects without `cursors`.
   */
  readonly next: (position: PagePosition) => Promise<string>;
}

/** The fact that it adds. */
export interface PageFacts<Sort extends string = string, Filter extends string = string> {
  readonly page: Page<Sort, Filter>;
}

const NAME = 'limitPage';
const OPTIONS = ['size', 'maxOffset', 'sort', 'filter', 'others', 'from', 'cursors', 'now'];
const OWN = ['limit', 'offset', 'sort', 'cursor'];
const LONGEST_FILTER = 256;
const MOST_SORTS = 4;
const WHOLE = /^(?:0|[1-9]\d{0,8})$/;

/**
 * Denies pages that are too large or too deep, and fields to sort and filter by that are not on the list (OWASP API4,
 * and API3 by way of the order). What the handler may answer is the fact `page`. A cursor is sealed: it reveals
 * nothing, and opens only for the same caller, operation, path, order, filters and other parameters: only the size may
 * change from page to page. Parameters that are not named are denied.
 *
 * Denies with `page.invalid`, `page.too_deep`, `page.field_unknown`, `page.cursor_invalid` (400).
 *
 * @throws ConfigurationError for sizes that are not whole numbers, names that are there twice, and short secrets.
 * @example
 * limitPage({
 *   size: { max: 100, default: 20 },
 *   sort: ['createdAt', 'name'],
 *   filter: ['status'],
 *   cursors: { secrets: [secret], caller: ({ principal }: AuthenticatedFacts) => principal.id },
 * })
 */
export function limitPage<
  Needs extends object,
  const Sort extends string = never,
  const Filter extends string = never,
>(
  options: LimitPageOptions<Sort, Filter, Needs>,
): Policy<CallFacts & Needs, PageFacts<Sort, Filter>, 'check'> {
  assertKnownOptions(NAME, options, OPTIONS);
  assertKnownOptions(`${NAME}, size`, options.size, ['max', 'default']);
  const { cursors, maxOffset = 0, from, now = () => Date.now() } = options;
  assertConfiguration(
    from === undefined || typeof from === 'function',
    `${NAME}: from must be a function of the facts that answers the parameters.`,
  );
  const { max, default: usual = Math.min(20, max) } = options.size;
  assertWhole('size.max', max, 1);
  assertWhole('size.default', usual, 1);
  assertWhole('maxOffset', maxOffset, 0);
  assertConfiguration(usual <= max, `${NAME}: size.default must not be larger than size.max.`);
  const sorts = namesOf('sort', options.sort);
  const filters = namesOf('filter', options.filter);
  const others = [...namesOf('others', options.others)];
  const known = [...OWN, ...filters, ...others];
  assertConfiguration(
    new Set(known).size === known.length,
    `${NAME}: filter and others must not repeat a name, and not name ${OWN.join(', ')}.`,
  );
  const names: ReadonlySet<string> = new Set(known);
  const sealed = cursors && pageCursors(NAME, cursors, now);
  if (cursors !== undefined) {
    assertKnownOptions(`${NAME}, cursors`, cursors, ['secrets', 'lifetime', 'caller']);
    assertConfiguration(
      typeof cursors.caller === 'function',
      `${NAME}: cursors.caller must be a function of the facts that says whose the cursor is.`,
    );
  }

  const isSort = (field: string): field is Sort => sorts.has(field);
  const readSort = (text: string | undefined): Page<Sort, Filter>['sort'] | undefined => {
    if (text === undefined) return [];
    const parts = text.split(',', MOST_SORTS + 1);
    if (parts.length > MOST_SORTS) return undefined;
    const read = parts.flatMap((part) => {
      const descending = part.startsWith('-');
      const field = descending ? part.slice(1) : part;
      return isSort(field) ? [{ field, descending }] : [];
    });
    // One that is not on the list, or is there twice, is missing here.
    const fields = new Set(read.map(({ field }) => field));
    return fields.size === parts.length ? read : undefined;
  };

  return definePolicy<CallFacts & Needs, PageFacts<Sort, Filter>, 'check'>({
    name: NAME,
    role: 'check',
    settings: settingsOf(options, [
      'size',
      'default',
      'max',
      'maxOffset',
      'sort',
      'filter',
      'others',
    ]),
    needs: ['call'],
    adds: ['page'],
    check: (request, facts) => {
      const query = from === undefined ? readQuery(request) : readParameters(from(facts));
      if (query === undefined) return INVALID;
      for (const [name, value] of Object.entries(query)) {
        if (!names.has(name)) return FIELD_UNKNOWN;
        // Which of two counts is a matter of taste, and so of attack.
        if (typeof value !== 'string' && !others.includes(name)) return INVALID;
      }
      const text = (name: string): string | undefined => {
        const value = Object.hasOwn(query, name) ? query[name] : undefined;
        return typeof value === 'string' ? value : undefined;
      };
      const size = wholeNumber(text('limit'), usual);
      const offset = wholeNumber(text('offset'), 0);
      if (size === undefined || offset === undefined || size < 1 || size > max) return INVALID;
      if (offset > maxOffset) return TOO_DEEP;
      const sort = readSort(text('sort'));
      if (sort === undefined) return FIELD_UNKNOWN;
      const chosen: Partial<Record<string, string>> = {};
      for (const name of filters) {
        const value = text(name);
        if (value === undefined) continue;
        if (value.length > LONGEST_FILTER || !isStorableText(value)) return INVALID;
        chosen[name] = value;
      }
      const cursor = text('cursor');
      if (cursor !== undefined && (sealed === undefined || offset > 0)) return CURSOR_INVALID;
      const context = (): string => {
        const caller: unknown = cursors?.caller(facts);
        if (typeof caller !== 'string' || caller === '') {
          throw new TypeError('cursors.caller did not say whose the cursor is');
        }
        const tenant = tenantOf(facts);
        if (tenant === '') throw new TypeError('the tenant of the call has no id');
        const order = sort.map(({ field, descending }) => [field, descending]);
        const { protocol, operation } = facts.call;
        // JSON keeps the parts apart whatever is in them; names are in the order of the options.
        return JSON.stringify(
          [
            'apisec page cursor',
            operation,
            // Parameters of the path say what the list is of: the items of which folder.
            protocol === 'http' ? pathOf(request) : null,
            caller,
            order,
            Object.entries(chosen),
            others.flatMap((name) => (Object.hasOwn(query, name) ? [[name, query[name]]] : [])),
            ...(tenant === undefined ? [] : [tenant]),
          ],
          (_name, value: unknown) => (typeof value === 'bigint' ? { bigint: `${value}` } : value),
        );
      };
      const page = (after: PagePosition | undefined): Outcome<PageFacts<Sort, Filter>> =>
        pass({
          page: {
            size,
            offset,
            sort,
            // The names are those of the options.
            filters: chosen as Page<Sort, Filter>['filters'],
            after,
            next: async (position) => {
              if (sealed === undefined) throw new TypeError(`${NAME} has no cursors: set cursors.`);
              return sealed.seal(position, context());
            },
          },
        });
      if (cursor === undefined || sealed === undefined) return page(undefined);
      return chain<PagePosition | undefined, Outcome<PageFacts<Sort, Filter>>>(
        () => sealed.open(cursor, context()),
        (after) => (after === undefined ? CURSOR_INVALID : page(after)),
        (cause) => denyWith(fault('policy.threw', cause)),
      );
    },
  });
}

/** Nothing but digits: no sign, no exponent, no `NaN`. */
function wholeNumber(text: string | undefined, usual: number): number | undefined {
  if (text === undefined) return usual;
  return WHOLE.test(text) ? Number(text) : undefined;
}

function assertWhole(option: string, value: unknown, least: number): void {
  assertConfiguration(
    Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= 999_999_999,
    `${NAME}: ${option} must be a whole number, ${least} or more.`,
  );
}

function namesOf(option: string, names: readonly string[] | undefined): ReadonlySet<string> {
  if (names === undefined) return new Set();
  assertConfiguration(
    Array.isArray(names) &&
      new Set(names).size === names.length &&
      names.every(
        (name) => typeof name === 'string' && /^[A-Za-z][\w.]*$/.test(name) && name !== '__proto__',
      ),
    `${NAME}: ${option} must be a list of different names of letters, digits, dots and underscores.`,
  );
  return new Set(names);
}

const INVALID = denial(
  'page.invalid',
  'The page is larger than allowed, or a parameter is not well formed.',
);
const TOO_DEEP = denial('page.too_deep', 'The offset is deeper than allowed.');
const FIELD_UNKNOWN = denial(
  'page.field_unknown',
  'The operation does not sort or filter by this, or does not know a parameter.',
);
const CURSOR_INVALID = denial(
  'page.cursor_invalid',
  'The cursor is not valid for this list, or no longer. Begin with the first page.',
);

function denial(code: string, detail: string): Deny {
  return sharedDenial({ kind: 'malformed', code, detail });
}
