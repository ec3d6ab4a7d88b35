import { isObject } from '../lib/strict-json.ts';
import { step } from './input-errors.ts';
import { isContainer } from './members.ts';
import { schemaFit } from './schema-fit.ts';
import { type FindSchema, type JsonSchema, listOf, schemaReferences } from './schema-references.ts';

/**
 * Members of the input that its JSON Schema does not name, at most so many. Lists where it names objects alone are
 * gathered apart: the schema denies most of them itself, and says better why.
 */
export type UndescribedMembers = (
  input: unknown,
  most: number,
  lists?: string[],
) => readonly string[];

const COMBINED = ['allOf', 'anyOf', 'oneOf', 'if', 'then', 'else', '$ref'];
const OBJECTS = [
  'properties',
  'patternProperties',
  'additionalProperties',
  'unevaluatedProperties',
];
const LISTS = ['items', 'prefixItems', 'additionalItems', 'unevaluatedItems'];

/**
 * Reads a JSON Schema (2020-12) as the list of members that it names. A schema that does not say
 * `additionalProperties` takes none here: some libraries keep what they do not know, and the handler would get it.
 * Of alternatives (`anyOf`, `oneOf`) only those count that the value can be: members of an administrator do not
 * come with a user. `keeps` says of a library that it hands on what it does not know, also of alternatives that it has
 * not chosen. Answers undefined for a schema with references that lead nowhere.
 */
export function undescribedMembers(
  root: JsonSchema,
  { keeps = false }: { readonly keeps?: boolean } = {},
): UndescribedMembers | undefined {
  const find = schemaReferences(root);
  if (find === undefined) return undefined;
  const patterns = new Map<string, RegExp>();
  const matches = (pattern: string, name: string): boolean => {
    let regexp = patterns.get(pattern);
    if (regexp === undefined) patterns.set(pattern, (regexp = regexpOf(pattern)));
    return regexp.test(name);
  };

  const expand = (
    schemas: readonly unknown[],
    value: unknown,
    fits: (schema: unknown, value: unknown) => boolean,
  ): readonly unknown[] => {
    const found: unknown[] = [];
    const seen = new Set<unknown>();
    const add = (schema: unknown): void => {
      if (seen.has(schema)) return;
      seen.add(schema);
      if (!isObject(schema)) {
        if (schema === true) found.push(schema);
        return;
      }
      if (typeof schema['$ref'] === 'string') add(find(schema['$ref']));
      for (const keyword of ['then', 'else']) if (isObject(schema[keyword])) add(schema[keyword]);
      for (const each of listOf(schema['allOf'])) add(each);
      for (const keyword of ['anyOf', 'oneOf']) {
        const all = listOf(schema[keyword]);
        const possible = all.filter((each) => couldBe(find, each, value) && fits(each, value));
        for (const each of possible.length > 0 ? possible : all) add(each);
      }
      // One that only combines others says nothing of members itself.
      if (!COMBINED.some((keyword) => keyword in schema) || speaks(schema)) found.push(schema);
    };
    for (const schema of schemas) add(schema);
    return found;
  };

  return (input, most, lists = []) => {
    const unknown: string[] = [];
    const fits = keeps ? schemaFit(find, matches) : () => true;
    const visit = (value: unknown, schemas: readonly unknown[], pointer: string): void => {
      if (!isContainer(value) || unknown.length >= most) return;
      const nodes = expand(schemas, value, fits);
      if (Array.isArray(value) && nodes.length > 0 && nodes.every(isOfObjects)) {
        if (lists.length < most) lists.push(pointer);
        return;
      }
      const keywords = Array.isArray(value) ? LISTS : OBJECTS;
      const speaking = nodes.filter(
        (node): node is JsonSchema => isObject(node) && keywords.some((word) => word in node),
      );
      // Nothing is said of what is in it: the schema takes anything here.
      if (speaking.length === 0) return;
      if (Array.isArray(value)) {
        const list: readonly unknown[] = value;
        list.forEach((item, at) => {
          visit(
            item,
            speaking.flatMap((node) => itemsOf(node, at)),
            step(pointer, at),
          );
        });
        return;
      }
      for (const name of Object.keys(value)) {
        if (value[name] === undefined) continue;
        const children = speaking.flatMap((node) => memberOf(node, name, matches));
        if (children.length === 0) {
          if (unknown.length < most) unknown.push(step(pointer, name));
        } else visit(value[name], children, step(pointer, name));
      }
    };
    visit(input, [root], '');
    return unknown;
  };
}

/** Some libraries write patterns that are none with Unicode in mind. */
function regexpOf(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'u');
  } catch {
    return new RegExp(pattern);
  }
}

function isOfObjects(schema: unknown): boolean {
  return isObject(schema) && schema['type'] === 'object';
}

function speaks(schema: JsonSchema): boolean {
  return OBJECTS.some((word) => word in schema) || LISTS.some((word) => word in schema);
}

function itemsOf(schema: JsonSchema, at: number): readonly unknown[] {
  const { items } = schema;
  // Draft 7, which TypeBox writes, has the first ones in a list.
  const first = Array.isArray(items) ? items : listOf(schema['prefixItems']);
  if (at < first.length) return [first[at]];
  const others = Array.isArray(items) ? undefined : items;
  return [others ?? schema['additionalItems'] ?? schema['unevaluatedItems']].filter(
    (each) => each !== undefined,
  );
}

function memberOf(
  schema: JsonSchema,
  name: string,
  matches: (pattern: string, name: string) => boolean,
): readonly unknown[] {
  const named = own(schema['properties'], name);
  const found: unknown[] = named === undefined ? [] : [named];
  if (isObject(schema['patternProperties'])) {
    for (const [pattern, each] of Object.entries(schema['patternProperties'])) {
      if (matches(pattern, name)) found.push(each);
    }
  }
  if (found.length > 0) return found;
  const others = [schema['additionalProperties'], schema['unevaluatedProperties']];
  return others.filter((each) => each === true || isObject(each));
}

/** Whether an alternative can be meant: its type, its constants and its required members fit the value. */
function couldBe(find: FindSchema, schema: unknown, value: unknown): boolean {
  const node =
    isObject(schema) && typeof schema['$ref'] === 'string' ? find(schema['$ref']) : schema;
  if (!isObject(node)) return node === true;
  const type = Array.isArray(value) ? 'array' : 'object';
  if (typeof node['type'] === 'string' && node['type'] !== type) return false;
  if ('const' in node || Array.isArray(node['enum'])) return false;
  if (type === 'array' || !isContainer(value)) return true;
  if (listOf(node['required']).some((name) => !Object.hasOwn(value, String(name)))) return false;
  if (!isObject(node['properties'])) return true;
  return Object.entries(node['properties']).every(
    ([name, each]) => !isObject(each) || !Object.hasOwn(value, name) || fits(each, value[name]),
  );
}

function fits(schema: JsonSchema, value: unknown): boolean {
  if ('const' in schema) return isContainer(schema['const']) || schema['const'] === value;
  return !Array.isArray(schema['enum']) || schema['enum'].includes(value);
}

function own(object: unknown, name: string): unknown {
  return isObject(object) && Object.hasOwn(object, name) ? object[name] : undefined;
}
