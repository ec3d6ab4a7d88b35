import type { PolicyInfo } from '../engine/policy.ts';
import type { Aspect, Presence } from './aspects.ts';

/** What guards and tables have that can be read without asking them; each member may be missing. */
export interface ReadableAdmission {
  readonly policies?: readonly PolicyInfo[] | undefined;
  readonly operations?: readonly string[] | undefined;
  readonly admission?: ((operation: string) => object) | undefined;
}

/** One operation that an application serves, as each adapter's `inventoryOf` finds it. */
export interface ServedOperation {
  /** As the adapter names it for `coverage`: `GET /orders/:id`, `Query.orders`, `/shop.v1.Orders/List`. */
  readonly operation: string;
  readonly protocol: 'http' | 'graphql' | 'grpc';
  /** Each guard or table in front of it; all of them must admit. Empty: nothing guards it. */
  readonly admissions: readonly object[];
  /** Policies of its own behind the guards: those of a GraphQL field. */
  readonly policies?: readonly PolicyInfo[] | undefined;
  /** What serves it says that it will go: `@deprecated` in a GraphQL schema, `schema.deprecated` of a Fastify route. */
  readonly deprecated?: boolean | undefined;
  /** A GraphQL field below the root: reached only through operations that were admitted, and not judged by itself. */
  readonly nested?: boolean | undefined;
}

/** One operation, and what guards it. */
export interface CoveredOperation {
  readonly operation: string;
  readonly protocol: ServedOperation['protocol'];
  /** What serves it, or a document, says that it will go. */
  readonly deprecated: boolean;
  /** A GraphQL field below the root, which is listed and not judged. */
  readonly nested: boolean;
  /** Something stands in front of it. */
  readonly guarded: boolean;
  /** A table stands in front of it that does not list it, so that every call is denied. */
  readonly unlisted: boolean;
  /** Every policy that is asked, in order. */
  readonly policies: readonly PolicyInfo[];
  readonly aspects: Readonly<Record<Aspect, Presence>>;
  /** What it must have, has not, and is not excepted from. */
  readonly lacks: readonly Aspect[];
  /** What it may lack on purpose. */
  readonly excepted: readonly Aspect[];
}

/** What a document (OpenAPI, GraphQL, proto) says that there is. */
export interface DocumentedOperation {
  readonly operation: string;
  readonly deprecated?: boolean | undefined;
  /** False where the document says that anybody may call; undefined where it says nothing. */
  readonly authenticated?: boolean | undefined;
}

/** The policies that an admission asks about one operation; undefined where its table denies that operation. */
export function policiesFor(mounted: object, operation: string): readonly PolicyInfo[] | undefined {
  const { policies, operations, admission } = mounted as ReadableAdmission;
  if (operations === undefined || admission === undefined) return policies ?? [];
  const entries = [operation, operation.replace(METHOD, 'ALL ')];
  if (entries.some((entry) => operations.includes(entry))) {
    return policiesFor(admission(operation), operation);
  }
  // `app.all` is one route, of which each method may be listed by itself: the weakest of them counts.
  if (!operation.startsWith('ALL ')) return undefined;
  const path = operation.slice(4);
  const lists = operations
    .filter((entry) => entry.replace(METHOD, '') === path)
    .map((entry) => policiesFor(admission(entry), entry) ?? []);
  return lists.length === 0 ? undefined : common(lists);
}

/**
 * For adapters: a guard as it is, and of a table whose entries are named by the host alone what all of them have, since
 * nobody knows which of them decides on a route.
 */
export function withoutNames(mounted: object): ReadableAdmission {
  const { operations, admission, policies } = mounted as ReadableAdmission;
  if (operations === undefined || admission === undefined) return { policies };
  return {
    policies: common(operations.map((entry) => policiesFor(admission(entry), entry) ?? [])),
  };
}

function common(lists: readonly (readonly PolicyInfo[])[]): readonly PolicyInfo[] {
  const [first = [], ...others] = lists;
  return first.filter((policy) =>
    others.every((list) => list.some((each) => isSame(each, policy))),
  );
}

const METHOD = /^[^ /]+ /;

function isSame(one: PolicyInfo, other: PolicyInfo): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
