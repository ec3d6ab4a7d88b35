/** A JSON Schema that is an object, as libraries describe themselves. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Finds the schema that a `$ref` names. */
export type FindSchema = (reference: string) => JsonSchema | boolean | undefined;

const DYNAMIC = ['$dynamicRef', '$recursiveRef'];

/**
 * Reads where the references of a JSON Schema lead: to pointers (`#/$defs/Home`), and to schemas with this `$id` or
 * `$anchor`. Undefined where one leads nowhere, or to one of two: nothing could be said of what it stands for.
 */
export function schemaReferences(root: JsonSchema): FindSchema | undefined {
  const named = new Map<string, JsonSchema>();
  const references = new Set<string>();
  const seen = new Set<unknown>();
  let isClear = true;
  const name = (id: unknown, schema: JsonSchema): void => {
    if (typeof id !== 'string') return;
    const known = named.get(id);
    if (known === undefined) named.set(id, schema);
    else if (JSON.stringify(known) !== JSON.stringify(schema)) isClear = false;
  };
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return;
    seen.add(value);
    // A schema, a list of some, or members with schemas: the last have no text under these names.
    const schema = value as JsonSchema;
    name(schema['$id'], schema);
    if (typeof schema['$anchor'] === 'string') name(`#${schema['$anchor']}`, schema);
    if (typeof schema['$ref'] === 'string') references.add(schema['$ref']);
    if (DYNAMIC.some((keyword) => typeof schema[keyword] === 'string')) isClear = false;
    for (const each of Object.values(schema)) visit(each);
  };
  visit(root);
  const find: FindSchema = (reference) => named.get(reference) ?? atPointer(root, reference);
  for (const reference of references) if (find(reference) === undefined) return undefined;
  return isClear ? find : undefined;
}

function atPointer(root: JsonSchema, reference: string): JsonSchema | boolean | undefined {
  if (reference === '#') return root;
  if (!reference.startsWith('#/')) return undefined;
  let at: unknown = root;
  for (const part of reference.slice(2).split('/')) {
    const name = decoded(part).replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    // It has this member, whatever that is.
    at = (at as JsonSchema)[name];
  }
  // What else a schema can be.
  return (typeof at === 'object' && at !== null) || typeof at === 'boolean'
    ? (at as JsonSchema | boolean)
    : undefined;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** What a keyword lists; nothing where it lists nothing. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
