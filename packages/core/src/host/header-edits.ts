import { type Denial, fault } from '../engine/denial.ts';
import type { HeaderEdit } from '../engine/obligations.ts';
import { isToken } from '../lib/header-syntax.ts';

/** The header edits of one call, one list for each policy that has some. */
export type EditLists = readonly (readonly HeaderEdit[])[];

export type HeaderValue = number | string | readonly string[];

/** A response head, to be edited. */
export interface EditableHead {
  /** The names of the fields that are there, in lower case. */
  readonly names: readonly string[];
  /** Puts the field in the place of one with this name, in whatever case. */
  readonly set: (name: string, value: string, key: string) => void;
  /** Adds to the field with this name, which is in lower case; see {@link appended}. */
  readonly append: (key: string, value: string) => void;
  readonly delete: (key: string) => void;
}

/**
 * Edits the head that a handler has made. What it has set itself stands against `set`; `append` and `delete` hold
 * whatever it does.
 */
export function editHead(head: EditableHead, lists: EditLists): void {
  let own = head.names;
  let isEdited = false;
  for (const edits of lists) {
    const keys = fit.get(edits);
    for (let at = 0; at < edits.length; at++) {
      // The loop's bound says that the edit is there.
      const edit = edits[at] as HeaderEdit;
      const key = keys?.[at] ?? keyOf(edit);
      if (edit.op === 'delete') {
        if (!isEdited && !own.includes(key)) continue;
        own = own.filter((name) => name !== key);
        head.delete(key);
        continue;
      }
      if (edit.op === 'append') head.append(key, edit.value);
      else if (!own.includes(key)) head.set(edit.name, edit.value, key);
      isEdited = true;
    }
  }
}

/** A field with one value more. */
export function appended(
  name: string,
  present: HeaderValue | undefined,
  value: string,
): HeaderValue {
  if (present === undefined) return value;
  // Cookies are the one list that cannot be joined (RFC 6265 §3).
  if (name === 'set-cookie') return [...[present].flat().map(String), value];
  return `${[present].flat().join(', ')}, ${value}`;
}

/**
 * Lists that were found fit to be sent and that nobody can change any more, with the names in lower case: most are the
 * same in every call.
 */
const fit = new WeakMap<object, readonly string[]>();

/** The names in lower case of a frozen list that can be sent. */
export function fitKeys(edits: readonly HeaderEdit[]): readonly string[] | undefined {
  return fit.get(edits);
}

const keyOf = ({ name }: HeaderEdit): string => name.toLowerCase();

/**
 * The denial of header edits that cannot be sent (a line break in a value, say), found before the handler runs: a
 * response without the headers that policies ask for must not go out as if it had them.
 */
export function unsendableEdits(lists: EditLists): Denial | undefined {
  try {
    for (const edits of lists) if (!fit.has(edits)) vet(edits);
    return undefined;
  } catch (cause) {
    return fault('policy.invalid_outcome', cause);
  }
}

const OPERATIONS: ReadonlySet<unknown> = new Set(['set', 'append', 'delete']);

function vet(edits: readonly HeaderEdit[]): void {
  for (const edit of edits) {
    if (!OPERATIONS.has(edit.op)) throw new TypeError(`"${edit.op}" is not a header edit`);
    assertHeader(edit.name, edit.op === 'delete' ? '' : edit.value);
  }
  if (Object.isFrozen(edits) && edits.every(isPlainAndFrozen)) {
    fit.set(edits, edits.map(keyOf));
  }
}

/** An accessor may answer something else the next time. */
function isPlainAndFrozen(edit: HeaderEdit): boolean {
  return (
    Object.isFrozen(edit) &&
    Object.values(Object.getOwnPropertyDescriptors(edit)).every((each) => 'value' in each)
  );
}

/** What web `Headers` and Node take: a line without its end, in Latin-1. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Throws where a header of this name and value cannot be sent. */
export function assertHeader(name: string, value: string): void {
  // Hosts keep headers in plain objects, where this one would be the prototype.
  if (!isToken(name) || name === '__proto__' || typeof value !== 'string' || !VALUE.test(value)) {
    throw new TypeError('a policy has set a header that cannot be sent');
  }
}
