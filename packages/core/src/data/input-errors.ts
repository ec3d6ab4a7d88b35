import type { Denial } from '../engine/denial.ts';
import type { SchemaIssue } from './standard-schema.ts';

/** Which part of a call an error is about. */
export type InputPart = 'body' | 'query' | 'params' | 'headers';

/** One error, as the caller sees it: where it is, and which rule does not hold. Never the value. */
export interface InputError {
  readonly in: InputPart;
  /** A JSON Pointer (RFC 6901) into that part. */
  readonly pointer: string;
  readonly detail: string;
}

/** Longer names are of the caller's making and are not sent back. */
const LONGEST_NAME = 64;
const LONGEST_POINTER = 256;
const LONGEST_RULE = 80;
const RULE_NAME = /^[A-Za-z][\w-]{0,40}$/;

/** The pointer one step deeper. Stays where it is where the name or the pointer would grow too long. */
export function step(pointer: string, name: string | number): string {
  const text = String(name);
  const next = `${pointer}/${text.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  return text.length > LONGEST_NAME || next.length > LONGEST_POINTER ? pointer : next;
}

/** The errors of a schema's issues, at most so many; and whether unknown members are among them. */
export function errorsOf(
  issues: readonly SchemaIssue[],
  part: InputPart,
  most: number,
): { readonly errors: readonly InputError[]; readonly unknownMember: boolean } {
  const errors: InputError[] = [];
  let unknownMember = false;
  for (let at = 0; at < issues.length && errors.length < most; at++) {
    const issue = issues[at];
    if (issue === undefined) continue;
    const unknown = isUnknownMember(issue);
    unknownMember ||= unknown;
    errors.push({
      in: part,
      pointer: pointerOf(issue),
      detail: unknown ? UNKNOWN_MEMBER : ruleOf(issue),
    });
  }
  return { errors, unknownMember };
}

/** The one sentence about a member that nothing allows. */
export const UNKNOWN_MEMBER = 'This member is not known.';

/** The denial that lists them. */
export function inputDenial(
  code: 'input.invalid' | 'input.unknown_member',
  errors: readonly InputError[],
): Denial {
  return {
    kind: 'malformed',
    code,
    detail:
      code === 'input.invalid'
        ? 'The input does not have the form that this operation takes.'
        : 'The input has members that this operation does not take.',
    problem: { extensions: { errors } },
  };
}

function pointerOf({ path }: SchemaIssue): string {
  let pointer = '';
  for (const each of path ?? []) {
    const key: unknown = typeof each === 'object' && each !== null ? each.key : each;
    if (typeof key !== 'string' && typeof key !== 'number') break;
    const next = step(pointer, key);
    if (next === pointer) break;
    pointer = next;
  }
  return pointer;
}

/** zod's strict objects and valibot's say so in their own words. */
function isUnknownMember(issue: SchemaIssue): boolean {
  const { code, type, expected } = parts(issue);
  return code === 'unrecognized_keys' || (type === 'strict_object' && expected === 'never');
}

/**
 * The rule from what the libraries say beside the message. The message itself is not sent: valibot and arktype
 * quote the value in it.
 */
function ruleOf(issue: SchemaIssue): string {
  const { code, type, expected } = parts(issue);
  const name = [code, type].find((each) => typeof each === 'string' && RULE_NAME.test(each));
  // What a narrowing of arktype expects is a text of the application, which may hold the value.
  const isOwn = code === 'predicate';
  if (
    !isOwn &&
    typeof expected === 'string' &&
    expected !== '' &&
    expected.length <= LONGEST_RULE
  ) {
    return `Expected: ${expected}.`;
  }
  return typeof name === 'string'
    ? `The rule "${name}" does not hold.`
    : 'The value does not have the form that is wanted here.';
}

function parts(issue: SchemaIssue): { code?: unknown; type?: unknown; expected?: unknown } {
  // Libraries add members of their own, whose types are looked at where they are used.
  return issue as { code?: unknown; type?: unknown; expected?: unknown };
}
