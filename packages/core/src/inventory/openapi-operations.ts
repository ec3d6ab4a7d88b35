import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { parseUrl } from '../lib/parse-url.ts';
import { isObject, member } from '../lib/strict-json.ts';
import type { DocumentedOperation } from './served-operation.ts';

/** Options of {@link openapiOperations}. */
export interface OpenapiOperationsOptions {
  /**
   * What stands in front of the paths of the document where the application serves them, as in `/v1`; an empty text
   * for nothing. Default: the path of the document's first server.
   */
  readonly base?: string | undefined;
}

type Json = Readonly<Record<string, unknown>>;

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'patch', 'trace', 'query'];

/**
 * What an OpenAPI document of version 3 lists, for the option `documented` of `coverageReport`. Reads the paths, not
 * the webhooks, which are served by somebody else. `HEAD` counts as the `GET` that answers it.
 *
 * @throws ConfigurationError for a document of another kind, and for a reference to another file.
 * @example
 * const document = JSON.parse(await readFile('openapi.json', 'utf8'));
 * coverageReport(inventoryOf(app), { documented: openapiOperations(document) });
 */
export function openapiOperations(
  document: unknown,
  options: OpenapiOperationsOptions = {},
): readonly DocumentedOperation[] {
  assertKnownOptions('openapiOperations', options, ['base']);
  assertConfiguration(
    isObject(document) &&
      typeof document['openapi'] === 'string' &&
      document['openapi'].startsWith('3.'),
    'openapiOperations: this is not an OpenAPI document of version 3, parsed from JSON or YAML.',
  );
  const { paths = {}, security } = document;
  const base = (options.base ?? basePath(document)).replace(/\/$/, '');
  assertConfiguration(isObject(paths), 'openapiOperations: paths must be an object.');
  return Object.entries(paths)
    .filter(([path]) => path.startsWith('/'))
    .flatMap(([path, item]) => {
      const named = resolve(document, item, path);
      return METHODS.filter((method) => isObject(member(named, method))).map((method) => {
        // The filter saw that it is an object.
        const operation = member(named, method) as Json;
        return {
          operation: `${method.toUpperCase()} ${base}${path}`,
          deprecated: operation['deprecated'] === true,
          authenticated: isAuthenticated(member(operation, 'security') ?? security),
        };
      });
    });
}

/** Undefined where nothing is said. An empty requirement means that credentials are optional. */
function isAuthenticated(security: unknown): boolean | undefined {
  if (!Array.isArray(security)) return undefined;
  return (
    security.length > 0 && security.every((each) => isObject(each) && Object.keys(each).length > 0)
  );
}

function resolve(document: Json, item: unknown, path: string): Json {
  const reference = isObject(item) ? item['$ref'] : undefined;
  if (reference === undefined) {
    assertConfiguration(isObject(item), `openapiOperations: "${path}" must be an object.`);
    return item;
  }
  let found: unknown = document;
  if (typeof reference === 'string' && reference.startsWith('#/')) {
    for (const part of reference.slice(2).split('/')) {
      const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
      found = isObject(found) ? member(found, name) : undefined;
    }
  } else found = undefined;
  // One step: a reference to a reference would be a circle sooner or later.
  assertConfiguration(
    isObject(found) && found['$ref'] === undefined,
    `openapiOperations: "${path}" is a reference that leads nowhere in this document. Bundle it into one file first.`,
  );
  return found;
}

function basePath({ servers }: Json): string {
  const first: unknown = Array.isArray(servers) ? servers[0] : undefined;
  const url = isObject(first) ? first['url'] : undefined;
  if (!isObject(first) || typeof url !== 'string') return '';
  const variables = isObject(first['variables']) ? first['variables'] : {};
  const filled = url.replace(/\{([^{}]*)\}/g, (_all, name: string) => {
    const variable = member(variables, name);
    const value = isObject(variable) ? variable['default'] : undefined;
    return typeof value === 'string' ? value : '';
  });
  return parseUrl(filled, 'http://localhost')?.pathname ?? '';
}
