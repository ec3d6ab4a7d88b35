import type { GraphQLSchema, ValueNode } from 'graphql';
import { plainValue } from '../limits/plain-values.ts';

/** A use of a directive in a schema: its name there, and its arguments as plain values. */
export interface AppliedDirective {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** A type, a field or a schema, as far as it can carry directives. */
export interface DirectiveCarrier {
  readonly astNode?: DirectiveNodes | null | undefined;
  readonly extensionASTNodes?: readonly DirectiveNodes[] | null | undefined;
  /** Where tools that build schemas in code keep them. */
  readonly extensions?: { readonly directives?: unknown } | null | undefined;
}

interface DirectiveNodes {
  readonly directives?:
    | readonly {
        readonly name: { readonly value: string };
        readonly arguments?:
          | readonly { readonly name: { readonly value: string }; readonly value: ValueNode }[]
          | undefined;
      }[]
    | undefined;
}

/** Every directive on a part of a schema: in its text, its extensions, and where code-first builders put them. */
export function directivesOn(carrier: DirectiveCarrier): readonly AppliedDirective[] {
  const applied: AppliedDirective[] = [];
  for (const node of [carrier.astNode, ...(carrier.extensionASTNodes ?? [])]) {
    for (const directive of node?.directives ?? []) {
      const args = (directive.arguments ?? []).map(({ name, value }) => [
        name.value,
        plainValue(value, NO_VARIABLES),
      ]);
      applied.push({ name: directive.name.value, args: Object.fromEntries(args) });
    }
  }
  // Some builders put into extensions what others wrote in the text: of one name the text is what counts.
  const named = new Set(applied.map(({ name }) => name));
  const more = inExtensions(carrier.extensions?.directives).filter(({ name }) => !named.has(name));
  return [...applied, ...more];
}

const NO_VARIABLES = Object.freeze({});

/** `[{ name, args }]`, or `{ name: args }` and `{ name: [args, …] }`, as graphql-tools and Pothos write them. */
function inExtensions(given: unknown): readonly AppliedDirective[] {
  if (Array.isArray(given)) {
    return given.flatMap((each: unknown) => {
      const { name, args } = (each ?? {}) as { readonly name?: unknown; readonly args?: unknown };
      return typeof name === 'string' ? [{ name, args: recordOf(args) }] : [];
    });
  }
  if (typeof given !== 'object' || given === null) return [];
  return Object.entries(given).flatMap(([name, args]) =>
    (Array.isArray(args) ? (args as unknown[]) : [args]).map((each) => ({
      name,
      args: recordOf(each),
    })),
  );
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/**
 * What a schema calls a directive of federation: its name, with the prefix `federation__`, or as `@link` renames it.
 */
export function namesOfDirective(schema: GraphQLSchema, name: string): ReadonlySet<string> {
  const names = new Set([name, `federation__${name}`]);
  for (const { name: link, args } of directivesOn(schema)) {
    const { url, as: prefix, import: imported } = args;
    if (link !== 'link' || typeof url !== 'string' || !FEDERATION.test(url)) continue;
    if (typeof prefix === 'string') names.add(`${prefix}__${name}`);
    for (const each of Array.isArray(imported) ? (imported as unknown[]) : []) {
      const { name: from, as } = recordOf(each);
      if (from === `@${name}` && typeof as === 'string') names.add(as.replace(/^@/, ''));
    }
  }
  return names;
}

const FEDERATION = /^https:\/\/specs\.apollo\.dev\/federation\//;
