import { assertConfiguration, assertKnownOptions } from '@apisec/core/host';
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  parse,
  print,
  visit,
} from 'graphql';
import { documentHash } from './document-hash.ts';
import { documentsInTypescript } from './documents-in-typescript.ts';

/** A file of a client: what it is called and what it holds. */
export interface DocumentSource {
  /** `.graphql` and `.gql` are documents; `.ts`, `.tsx`, `.js` and the like hold them in tagged templates. */
  readonly path: string;
  readonly text: string;
}

/** How {@link buildTrustedDocuments} writes its answer. */
export interface BuildOptions {
  /** A map from hash to text (default), as Relay and GraphQL Code Generator write it, or Apollo's manifest. */
  readonly format?: 'map' | 'apollo' | undefined;
}

/**
 * Makes a manifest for {@link trustedDocuments} from the sources of a client: one document for each operation, with the
 * fragments that it needs, under the SHA-256 of its text. In scripts, the templates of `gql`, `graphql` and
 * `/* GraphQL *\/` count; fragments that are interpolated are found by their names.
 *
 * @throws ConfigurationError for what does not parse, two operations or fragments of one name, operations without a
 * name, and fragments that are nowhere.
 * @example
 * const files = await Array.fromAsync(glob('src/**\/*.{graphql,ts,tsx}'));
 * const sources = await Promise.all(
 *   files.map(async (path) => ({ path, text: await readFile(path, 'utf8') })),
 * );
 * await writeFile('trusted.json', JSON.stringify(await buildTrustedDocuments(sources)));
 */
export async function buildTrustedDocuments(
  sources: readonly DocumentSource[],
  options: BuildOptions = {},
): Promise<Readonly<Record<string, unknown>>> {
  assertKnownOptions('buildTrustedDocuments', options, ['format']);
  const operations = new Map<string, OperationDefinitionNode>();
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const { path, text } of sources) {
    const texts = /\.(graphql|gql)$/.test(path) ? [text] : documentsInTypescript(text);
    for (const definition of texts.flatMap((each) => parsed(each, path).definitions)) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) {
        put(fragments, definition.name.value, definition, path);
      } else if (definition.kind === Kind.OPERATION_DEFINITION) {
        const name = definition.name?.value;
        assertConfiguration(
          name !== undefined,
          `buildTrustedDocuments: an operation in ${path} has no name. Give it one.`,
        );
        put(operations, name, definition, path);
      }
    }
  }
  const built = await Promise.all(
    [...operations].map(async ([name, operation]) => {
      const body = print({
        kind: Kind.DOCUMENT,
        definitions: [operation, ...neededBy(operation, fragments)],
      });
      return { id: await documentHash(body), body, name, type: operation.operation };
    }),
  );
  return options.format === 'apollo'
    ? { format: 'apollo-persisted-query-manifest', version: 1, operations: built }
    : Object.fromEntries(built.map(({ id, body }) => [id, body]));
}

function parsed(text: string, path: string): DocumentNode {
  try {
    return parse(text, { noLocation: true });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'it does not parse';
    assertConfiguration(false, `buildTrustedDocuments: ${path}: ${why}`);
  }
}

/** The same definition twice is one, as where a file is listed twice. */
function put<Node extends OperationDefinitionNode | FragmentDefinitionNode>(
  all: Map<string, Node>,
  name: string,
  node: Node,
  path: string,
): void {
  const before = all.get(name);
  assertConfiguration(
    before === undefined || print(before) === print(node),
    `buildTrustedDocuments: "${name}" in ${path} appears twice with different texts.`,
  );
  all.set(name, node);
}

function neededBy(
  operation: OperationDefinitionNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): readonly FragmentDefinitionNode[] {
  const needed = new Set<FragmentDefinitionNode>();
  const open: (OperationDefinitionNode | FragmentDefinitionNode)[] = [operation];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    visit(node, {
      FragmentSpread: ({ name }) => {
        const fragment = fragments.get(name.value);
        assertConfiguration(
          fragment !== undefined,
          `buildTrustedDocuments: no source defines the fragment "${name.value}".`,
        );
        if (needed.has(fragment)) return;
        needed.add(fragment);
        open.push(fragment);
      },
    });
  }
  return [...needed].toSorted((a, b) => (a.name.value < b.name.value ? -1 : 1));
}
