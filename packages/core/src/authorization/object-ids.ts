import { pathOf, queryOf, type RequestLike } from '../engine/request.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { isObject, member } from '../lib/strict-json.ts';

/**
 * Takes a parameter of the path, as the route of the call names it: `GET /documents/:id` and `/documents/7` give `7`.
 * Undefined where the path and the route do not fit segment by segment, and so denied by `loadObject`.
 *
 * @throws ConfigurationError for an empty name.
 * @example
 * loadObject(document, { id: pathParameter('id'), load })
 */
export function pathParameter(
  name: string,
): (
  request: RequestLike,
  facts: { readonly call: { readonly operation: string } },
) => string | undefined {
  assertConfiguration(
    typeof name === 'string' && /^\w+$/.test(name),
    "pathParameter: name must be the name of a parameter of the route: pathParameter('id').",
  );
  return (request, { call }) => {
    const route = call.operation.slice(call.operation.indexOf(' ') + 1).split('/');
    const path = pathOf(request).split('/');
    if (route.length !== path.length) return undefined;
    let found: string | undefined;
    for (const [at, segment] of route.entries()) {
      const given = path[at] ?? '';
      if (segment === `:${name}`) found = given;
      // A parameter with a pattern, a wildcard: what the router read is not known.
      else if (/[:*(){}]/.test(segment) ? !/^:\w+$/.test(segment) : segment !== given)
        return undefined;
    }
    return found === undefined ? undefined : decode(found);
  };
}

/**
 * Takes a parameter of the query. Undefined, and so denied by `loadObject`, where it is missing or there several times:
 * what reads the first would load one object, and what reads the last another. `id[]=…`, `id[0]=…` and `[id]=…` are
 * spellings of `id` to the extended parser of Express, and so count as well.
 *
 * @throws ConfigurationError for an empty name.
 * @example
 * loadObject(document, { id: queryParameter('document'), load })
 */
export function queryParameter(name: string): (request: RequestLike) => string | undefined {
  assertConfiguration(
    typeof name === 'string' && name !== '',
    "queryParameter: name must be the name of a parameter of the query: queryParameter('id').",
  );
  return (request) => {
    let found: string | undefined;
    for (const [each, value] of new URLSearchParams(queryOf(request))) {
      if (each !== name && rootOf(each) !== name) continue;
      if (each !== name || found !== undefined) return undefined;
      found = value;
    }
    return found;
  };
}

/** The parameter that a parser of nested names takes this for: `id` of `id[]`, `id[a][b]` and `[id]`. */
function rootOf(name: string): string {
  const bracket = name.indexOf('[');
  if (bracket < 0) return name;
  if (bracket > 0) return name.slice(0, bracket);
  const end = name.indexOf(']');
  return name.slice(1, end < 0 ? undefined : end);
}

/**
 * Takes a member of the message that {@link guardMessages} decides: of a body, a gRPC message, or the arguments of a
 * GraphQL root field. Several names lead inside: `messageMember('document', 'id')`. An object's own members count;
 * lists are not looked into.
 *
 * @throws ConfigurationError without a name, and for an empty one.
 * @example
 * guardMessages(
 *   guard<CallFacts & AuthenticatedFacts & MessageFacts>()
 *     .use(loadObject(document, { id: messageMember('documentId'), load }))
 *     .use(requireOwner(document, { owner: 'ownerId' })),
 * )
 */
export function messageMember(
  ...names: readonly [string, ...string[]]
): (request: RequestLike, facts: { readonly message: unknown }) => unknown {
  assertConfiguration(
    names.length > 0 && names.every((name) => typeof name === 'string' && name !== ''),
    "messageMember: give the names that lead to the id: messageMember('document', 'id').",
  );
  return (_request, { message }) => names.reduce<unknown>(ownMember, message);
}

function ownMember(value: unknown, name: string): unknown {
  return isObject(value) ? member(value, name) : undefined;
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
