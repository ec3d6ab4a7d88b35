import { type Denial, fault } from '../engine/denial.ts';
import { withinTime } from '../lib/clock.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import { type UndescribedMembers, undescribedMembers } from './described-members.ts';
import {
  errorsOf,
  type InputError,
  type InputPart,
  inputDenial,
  UNKNOWN_MEMBER,
} from './input-errors.ts';
import { droppedMembers, type InputBounds, inspectInput } from './members.ts';
import { validationOf } from './schema-validation.ts';
import { describeInput, type SchemaResult, type StandardSchema } from './standard-schema.ts';

/** How inputs are checked. */
export interface InputRules extends InputBounds {
  readonly maxErrors: number;
  readonly timeoutMs: number;
  /** The schema makes something else of its input; its description alone says what is known. */
  readonly reshapes: boolean;
}

/** The input as the schema read it, or the denial. */
export type CheckedInput =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly denial: Denial };

/** Libraries that keep what they do not know, so that a comparison finds nothing. */
const KEEPING: ReadonlySet<string> = new Set(['arktype', 'typebox', 'typia', 'yup']);

/**
 * Libraries that look at the rules of protobuf messages, and leave their types to the decoder: JSON could hold anything
 * where a text is meant, and name itself a message whose members nobody looks at.
 */
const OF_MESSAGES: ReadonlySet<string> = new Set(['protovalidate-es']);
/** What the definition of a message does not name. */
const UNKNOWN_FIELDS: ReadonlySet<string> = new Set(['$unknown']);

/**
 * Checks inputs against one schema. `isDecoded` says of an input that it came as a protobuf message, which has no other
 * members than its definition, of the types that this says.
 *
 * @throws ConfigurationError if nothing would find unknown members, or wrong types.
 */
export function inputCheck(
  where: string,
  part: InputPart,
  schema: StandardSchema,
  rules: InputRules,
): (input: unknown, isDecoded?: boolean) => MaybePromise<CheckedInput> {
  const { maxErrors, timeoutMs, reshapes } = rules;
  const { vendor } = schema['~standard'];
  const ofMessages = OF_MESSAGES.has(vendor);
  if (ofMessages && part !== 'body') {
    throw new ConfigurationError(
      `${where}: the schema of ${part} is for messages of gRPC, and does not look at types.`,
    );
  }
  const validate = validationOf(schema);
  const description = describeInput(schema);
  const undescribed: UndescribedMembers | undefined =
    description && undescribedMembers(description, { keeps: KEEPING.has(vendor) });
  if (undescribed === undefined && (reshapes || KEEPING.has(vendor))) {
    throw new ConfigurationError(
      `${where}: the schema of ${part} cannot describe itself as JSON Schema, so unknown members would pass. ` +
        'Use types that JSON Schema knows' +
        (reshapes ? ', or leave reshapes away.' : ', and convert them behind the schema.'),
    );
  }
  const unknownMembers = (pointers: readonly string[]): CheckedInput => {
    const errors: readonly InputError[] = pointers.map((pointer) => ({
      in: part,
      pointer,
      detail: UNKNOWN_MEMBER,
    }));
    return { ok: false, denial: inputDenial('input.unknown_member', errors) };
  };
  const conclude = (
    input: unknown,
    result: SchemaResult<unknown>,
    lists: readonly string[],
  ): CheckedInput => {
    if (result.issues !== undefined) {
      const { errors, unknownMember } = errorsOf(result.issues, part, maxErrors);
      const code = unknownMember ? 'input.unknown_member' : 'input.invalid';
      return { ok: false, denial: inputDenial(code, errors) };
    }
    if (!Object.hasOwn(result, 'value')) {
      return { ok: false, denial: fault('input.uncheckable', 'the schema answered nothing') };
    }
    // Some libraries take a list for an object whose members may all be missing.
    if (lists.length > 0) {
      const errors = lists.map((pointer) => ({ in: part, pointer, detail: 'Expected: object.' }));
      return { ok: false, denial: inputDenial('input.invalid', errors) };
    }
    if (reshapes) return { ok: true, value: result.value };
    const { unknown, reshaped } = droppedMembers(input, result.value, maxErrors);
    if (unknown.length > 0) return unknownMembers(unknown);
    if (reshaped !== undefined) {
      const cause =
        `the schema of ${part} makes something else of the object or list at "${reshaped}", so unknown members ` +
        'cannot be told. Set reshapes: true with a schema that describes itself as JSON Schema.';
      return { ok: false, denial: fault('input.uncheckable', cause) };
    }
    return { ok: true, value: result.value };
  };
  return (input, isDecoded = false) => {
    if (ofMessages && !isDecoded) {
      const cause =
        `${where}: the schema of ${part} is for messages of gRPC, and does not look at types. Write a Standard ` +
        'Schema that reads JSON by fromJson of @bufbuild/protobuf.';
      return { ok: false, denial: fault('input.uncheckable', cause) };
    }
    const raw = inspectInput(input, rules, ofMessages ? UNKNOWN_FIELDS : undefined);
    if (raw?.problem === 'too_large') return { ok: false, denial: TOO_LARGE };
    if (raw?.problem === 'unknown_member') return unknownMembers([raw.pointer]);
    if (raw !== undefined) {
      const error = { in: part, pointer: raw.pointer, detail: 'This member is not plain data.' };
      return { ok: false, denial: inputDenial('input.invalid', [error]) };
    }
    const lists: string[] = [];
    const strangers = undescribed?.(input, maxErrors, lists) ?? [];
    if (strangers.length > 0) return unknownMembers(strangers);
    // What it throws is a fault, which the engine turns into a denial.
    const result = validate(input);
    if (!isThenable(result)) return conclude(input, result, lists);
    return withinTime(Promise.resolve(result).then(settled, failed), timeoutMs).then(
      (ended) =>
        ended.ok
          ? conclude(input, ended.result, lists)
          : { ok: false, denial: fault('policy.threw', ended.cause) },
      (cause: unknown) => ({
        ok: false,
        denial: { kind: 'unavailable', code: 'input.unavailable', retryAfterMs: 1_000, cause },
      }),
    );
  };
}

const settled = (result: SchemaResult<unknown>) => ({ ok: true, result }) as const;
const failed = (cause: unknown) => ({ ok: false, cause }) as const;

const TOO_LARGE: Denial = Object.freeze({
  kind: 'too_large',
  code: 'input.too_large',
  detail: 'The input holds more values, or is nested deeper, than allowed.',
});
