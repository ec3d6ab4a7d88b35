import { assertConfiguration } from '@apisec/core/host';

/** The documents that a server runs for everybody, by what clients call them. */
export interface TrustedDocuments {
  /** By the id that clients send in the place of the text. */
  readonly textOf: (id: string) => string | undefined;
  /** Exactly: another order of fields is another document. */
  readonly isTrusted: (text: string) => boolean;
  readonly size: number;
}

/**
 * An allow-list of documents from manifests as build tools write them: Apollo's
 * (`{ format: 'apollo-persisted-query-manifest', operations: [{ id, body }] }`), and maps from id to text, which Relay,
 * GraphQL Code Generator and `buildTrustedDocuments` write. Several may be given, one for each client or release.
 *
 * @throws ConfigurationError for anything else, no document at all, and one id for two texts.
 * @example
 * const documents = trustedDocuments(JSON.parse(await readFile('persisted-documents.json', 'utf8')));
 * apisec({ admission: api, trusted: { documents } });
 */
export function trustedDocuments(...manifests: readonly unknown[]): TrustedDocuments {
  const byId = new Map<string, string>();
  for (const manifest of manifests) {
    for (const [id, text] of entriesOf(manifest)) {
      assertConfiguration(
        (byId.get(id) ?? text) === text,
        `trustedDocuments: "${id}" stands for two documents. Give each its own id.`,
      );
      byId.set(id, text);
    }
  }
  assertConfiguration(
    byId.size > 0,
    'trustedDocuments: the manifest has no documents, so no operation would run. Pass that of your clients.',
  );
  const texts = new Set(byId.values());
  return Object.freeze({
    textOf: (id: string) => byId.get(id),
    isTrusted: (text: string) => texts.has(text),
    size: texts.size,
  });
}

function entriesOf(manifest: unknown): readonly (readonly [string, string])[] {
  assertConfiguration(
    typeof manifest === 'object' && manifest !== null && !Array.isArray(manifest),
    MANIFEST,
  );
  if (!('operations' in manifest && Array.isArray(manifest.operations))) {
    return Object.entries(manifest).map(([id, text]) => entry(id, text));
  }
  const { format } = manifest as { readonly format?: unknown };
  assertConfiguration(format === undefined || format === APOLLO, MANIFEST);
  return (manifest.operations as unknown[]).map((operation) => {
    const { id, body } = (operation ?? {}) as { readonly id?: unknown; readonly body?: unknown };
    return entry(id, body);
  });
}

const APOLLO = 'apollo-persisted-query-manifest';
const MANIFEST =
  "trustedDocuments: not a manifest. Pass Apollo's, or an object from ids to the text of documents.";

function entry(id: unknown, text: unknown): readonly [string, string] {
  assertConfiguration(
    typeof id === 'string' && id !== '' && typeof text === 'string' && text.trim() !== '',
    MANIFEST,
  );
  return [id, text];
}
