import type { MaybePromise } from '../lib/maybe-promise.ts';

/**
 * How to ask a Standard Schema. zod tries every schema synchronously, and again where something in it waits: each
 * asynchronous refinement then runs twice, and where the first one rejects nobody listens, which ends a Node process.
 * So its schemas that call functions of the user are asked asynchronously.
 */
export function validationOf<Result>(schema: {
  readonly '~standard': { readonly validate: (value: unknown) => MaybePromise<Result> };
}): (value: unknown) => MaybePromise<Result> {
  const standard = schema['~standard'] as (typeof schema)['~standard'] & {
    readonly vendor?: unknown;
  };
  const { safeParseAsync } = schema as { readonly safeParseAsync?: unknown };
  if (standard.vendor !== 'zod' || typeof safeParseAsync !== 'function' || !callsFunctions(schema))
    return (value) => standard.validate(value);
  return async (value) => {
    // What zod documents: data, or an error with the issues that its Standard Schema lists.
    const result = (await safeParseAsync.call(schema, value)) as
      | { readonly success: true; readonly data: unknown }
      | { readonly success: false; readonly error: { readonly issues: readonly unknown[] } };
    // The same that `validate` answers.
    return (result.success ? { value: result.data } : { issues: result.error.issues }) as Result;
  };
}

/** Functions that zod never waits for. A default is made when it is read. */
const SYNCHRONOUS: ReadonlySet<string> = new Set([
  'tx',
  'error',
  'when',
  'defaultValue',
  'catchValue',
]);
const MOST_PARTS = 10_000;

/** Whether a schema of zod 4 holds a function that may answer a promise. One that is too large to tell may. */
function callsFunctions(schema: unknown): boolean {
  const seen = new Set<unknown>();
  const visit = (part: unknown): boolean => {
    if (typeof part === 'function') return true;
    if (typeof part !== 'object' || part === null || seen.has(part)) return false;
    if (seen.add(part).size > MOST_PARTS) return true;
    if (Array.isArray(part)) return part.some(visit);
    const { _zod: internals } = part as { readonly _zod?: { readonly def?: unknown } };
    if (internals !== undefined) return visit(internals.def);
    if (Object.getPrototypeOf(part) !== Object.prototype) return false;
    const { type, check } = part as { readonly type?: unknown; readonly check?: unknown };
    if (type === 'promise' || check === 'custom') return true;
    return Object.keys(part).some(
      (name) => !SYNCHRONOUS.has(name) && visit((part as Readonly<Record<string, unknown>>)[name]),
    );
  };
  return visit(schema);
}
