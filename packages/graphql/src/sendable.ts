import type { HeaderEdit } from '@apisec/core';
import type { HeadersTarget } from '@apisec/core/host';

/** Leaves out edits that no header can hold. */
export function sendable(target: HeadersTarget): HeadersTarget {
  return {
    set: (name, value) => isSendable({ op: 'set', name, value }) && target.set(name, value),
    append: (name, value) => isSendable({ op: 'set', name, value }) && target.append(name, value),
    delete: (name) => target.delete(name),
  };
}

/** RFC 9110 §5.1 and §5.5. */
export function isSendable(edit: HeaderEdit): boolean {
  return TOKEN.test(edit.name) && (edit.op === 'delete' || !UNSENDABLE.test(edit.value));
}

const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what no field may hold.
const UNSENDABLE = /[^\t\u{20}-\u{7e}\u{80}-\u{ff}]/u;
