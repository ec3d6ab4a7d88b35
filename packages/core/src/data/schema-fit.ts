import { isObject } from '../lib/strict-json.ts';
import { isContainer } from './members.ts';
import { type FindSchema, type JsonSchema, listOf } from './schema-references.ts';

/**
 * Whether a value could be of a JSON Schema, as far as types, constants, bounds, and the same of members and items say.
 * For the alternatives of libraries that keep what they do not know: a value of the one comes with members of another
 * that nothing has looked at. Each pair is looked at once, since alternatives within alternatives multiply.
 */
export function schemaFit(
  find: FindSchema,
  matches: (pattern: string, text: string) => boolean,
): (schema: unknown, value: unknown) => boolean {
  const known = new Map<unknown, Map<unknown, boolean>>();
  const fits = (schema: unknown, value: unknown): boolean => {
    if (typeof schema === 'boolean') return schema;
    if (!isObject(schema)) return true;
    if (!isContainer(value)) return decide(schema, value);
    let ofSchema = known.get(schema);
    if (ofSchema === undefined) known.set(schema, (ofSchema = new Map()));
    let answer = ofSchema.get(value);
    if (answer === undefined) {
      // One that asks for itself says nothing more.
      ofSchema.set(value, true);
      answer = decide(schema, value);
      ofSchema.set(value, answer);
    }
    return answer;
  };

  const decide = (schema: JsonSchema, value: unknown): boolean => {
    if (typeof schema['$ref'] === 'string' && !fits(find(schema['$ref']), value)) return false;
    if (!isOfType(schema['type'], value) || !isConstant(schema, value)) return false;
    if (!listOf(schema['allOf']).every((each) => fits(each, value))) return false;
    for (const keyword of ['anyOf', 'oneOf']) {
      const all = listOf(schema[keyword]);
      if (all.length > 0 && !all.some((each) => fits(each, value))) return false;
    }
    if (typeof value === 'number') return isWithin(schema, value);
    if (typeof value === 'string') return isText(schema, value, matches);
    if (Array.isArray(value)) return haveFits(schema, value);
    return isContainer(value) ? membersFit(schema, value) : true;
  };

  const haveFits = (schema: JsonSchema, values: readonly unknown[]): boolean => {
    const first = [schema['prefixItems'], schema['items']].find(Array.isArray) ?? [];
    const others = Array.isArray(schema['items']) ? schema['additionalItems'] : schema['items'];
    return (
      inBounds(schema, 'minItems', 'maxItems', values.length) &&
      values.every((each, at) => fits(at < first.length ? first[at] : others, each))
    );
  };

  const membersFit = (schema: JsonSchema, value: JsonSchema): boolean => {
    if (listOf(schema['required']).some((name) => !Object.hasOwn(value, String(name))))
      return false;
    const { properties } = schema;
    if (!isObject(properties)) return true;
    return Object.entries(properties).every(
      ([name, each]) => !Object.hasOwn(value, name) || fits(each, value[name]),
    );
  };
  return fits;
}

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  null: (value) => value === null,
  boolean: (value) => typeof value === 'boolean',
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: (value) => Number.isInteger(value),
  array: (value) => Array.isArray(value),
  object: (value) => isContainer(value) && !Array.isArray(value),
};

/** A type that JSON Schema does not have, as some libraries write, says nothing. */
function isOfType(type: unknown, value: unknown): boolean {
  const types = typeof type === 'string' ? [type] : listOf(type);
  const tests = types.map((each) => (Object.hasOwn(TYPES, String(each)) ? String(each) : ''));
  return tests.length === 0 || tests.some((each) => each === '' || TYPES[each]?.(value) === true);
}

function isConstant(schema: JsonSchema, value: unknown): boolean {
  if ('const' in schema && !isContainer(schema['const']) && schema['const'] !== value) return false;
  const listed = schema['enum'];
  return !Array.isArray(listed) || listed.some(isContainer) || listed.includes(value);
}

function isWithin(schema: JsonSchema, value: number): boolean {
  const { exclusiveMinimum: above, exclusiveMaximum: below } = schema;
  return (
    inBounds(schema, 'minimum', 'maximum', value) &&
    (typeof above !== 'number' || value > above) &&
    (typeof below !== 'number' || value < below)
  );
}

function isText(
  schema: JsonSchema,
  value: string,
  matches: (pattern: string, text: string) => boolean,
): boolean {
  const { pattern } = schema;
  return (
    inBounds(schema, 'minLength', 'maxLength', value.length) &&
    (typeof pattern !== 'string' || matches(pattern, value))
  );
}

function inBounds(schema: JsonSchema, least: string, most: string, value: number): boolean {
  const [low, high] = [schema[least], schema[most]];
  return (typeof low !== 'number' || value >= low) && (typeof high !== 'number' || value <= high);
}
