import { assertConfiguration } from '../lib/configuration-error.ts';

/** `GET /orders/:id`, or the name of a root field (`Query.orders`) or a method (`/shop.v1.Orders/List`) of others. */
const METHOD_AND_PATH = /^[A-Z][A-Z-]* [/(*]/;
const GRAPHQL = /^(?:unresolved$|[A-Za-z_]\w*\.)/;
const GRPC = /^\/(?:[A-Za-z_]\w*\.)*[A-Z]\w*\/[A-Z]\w*$/;

/** For adapters: true for an entry that names a method and a path, as tables for HTTP do. */
export function isHttpOperation(entry: string): boolean {
  return METHOD_AND_PATH.test(entry);
}

/**
 * For HTTP adapters, at mount: finds entries of a table that could never match, since they name no method or no path.
 * Entries for other transports may stand beside them.
 *
 * @throws ConfigurationError naming the entry, and how it is written.
 */
export function assertHttpOperations(where: string, admission: object): void {
  const { operations } = admission as { readonly operations?: readonly string[] };
  for (const entry of operations ?? []) {
    assertConfiguration(
      METHOD_AND_PATH.test(entry) || GRAPHQL.test(entry) || GRPC.test(entry),
      `${where}: the entry "${entry}" of the table never matches: write METHOD /path, like ` +
        `'GET /orders/:id', or 'ALL /orders' for all methods.`,
    );
  }
}
