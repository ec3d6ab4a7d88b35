import { isThenable, type MaybePromise } from '../lib/maybe-promise.ts';

/** One step of a path: a name or an index, bare or in an object. */
type PathStep = PropertyKey | { readonly key: PropertyKey };

/** What a schema has to say against a value. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly PathStep[] | undefined;
}

/** What a schema answers: the value as it read it, or issues. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/**
 * A schema of any library that implements Standard Schema 1.1: zod, valibot, arktype and others. Where it has
 * `jsonSchema` (Standard JSON Schema), members are checked against its description as well.
 */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => MaybePromise<SchemaResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
    readonly jsonSchema?:
      | { readonly input: (options: { readonly target: 'draft-2020-12' }) => unknown }
      | undefined;
  };
}

/** What a schema makes of its input. */
export type OutputOf<S> = S extends StandardSchema<infer Output> ? Output : undefined;

/** True for what implements Standard Schema 1; some libraries' schemas are functions. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  // Whatever is there is looked at before it is used.
  const standard = (value as { readonly '~standard'?: Partial<StandardSchema['~standard']> })[
    '~standard'
  ];
  return standard?.version === 1 && typeof standard.validate === 'function';
}

/** How a schema describes its input, where it can. */
export function describeInput(
  schema: StandardSchema,
): Readonly<Record<string, unknown>> | undefined {
  try {
    const description = schema['~standard'].jsonSchema?.input({ target: 'draft-2020-12' });
    return typeof description === 'object' && description !== null && !isThenable(description)
      ? // An object, whose members are looked at one by one.
        (description as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    // JSON Schema has no word for some part of it, for example for a date.
    return undefined;
  }
}
