import type { Denial } from '../engine/denial.ts';
import type { HeaderEdit } from '../engine/obligations.ts';
import {
  appended,
  type EditLists,
  editHead,
  fitKeys,
  type HeaderValue,
  unsendableEdits,
} from './header-edits.ts';

/** A response of Node's HTTP/1 or HTTP/2 server, as far as its head is concerned. */
export interface NodeHead {
  readonly headersSent: boolean;
  readonly getHeaderNames: () => readonly string[];
  readonly getHeader: (name: string) => HeaderValue | undefined;
  readonly setHeader: (name: string, value: HeaderValue) => unknown;
  readonly removeHeader: (name: string) => unknown;
  writeHead: WriteHead;
}

type WriteHead = (this: NodeHead, status: number, ...rest: readonly unknown[]) => unknown;

/**
 * Holds header edits until the head of a Node response is written, so that they are written once, with the headers
 * of the handler. Of two guards the one nearer to the handler edits first.
 *
 * @returns a denial where one of them cannot be sent.
 */
export function holdHeaders(response: NodeHead, lists: EditLists): Denial | undefined {
  const unsendable = unsendableEdits(lists);
  if (unsendable !== undefined || lists.length === 0) return unsendable;
  const { writeHead } = response;
  // A single property: in Express each response has its own hidden class, and pays for each change.
  response.writeHead = function writeEditedHead(status, reason, headers = reason) {
    if (this.headersSent) return writeHead.call(this, status);
    const names = this.getHeaderNames();
    const fields =
      names.length === 0 && !Array.isArray(headers)
        ? editFields(headers, lists)
        : editResponse(this, names, headers, lists);
    if (typeof reason === 'string') return writeHead.call(this, status, reason, fields);
    return fields === undefined
      ? writeHead.call(this, status)
      : writeHead.call(this, status, fields);
  };
  return undefined;
}

type Fields = Record<string, HeaderValue>;

/** Where all headers are given to `writeHead`: one object for it, which costs Node the least. */
function editFields(given: unknown, lists: EditLists): Fields {
  const fields: Fields = {};
  // Each name as it is written, and in lower case. Lists: there are few, and a `Map` would cost more than the rest.
  const names: string[] = [];
  const keys: string[] = [];
  let isPlain = true;
  if (typeof given === 'object' && given !== null) {
    for (const name of Object.keys(given)) {
      const value = (given as Fields)[name];
      if (value === undefined) continue;
      const key = name.toLowerCase();
      // The same field in another case.
      if (keys.includes(key)) isPlain = false;
      names.push(name);
      keys.push(key);
      fields[name] = value;
    }
  }
  if (isPlain && addFields(fields, keys, lists)) return fields;
  return editOneByOne(
    names.map((name) => [name, fields[name] as HeaderValue]),
    lists,
  );
}

function editOneByOne(
  given: readonly (readonly [string, HeaderValue])[],
  lists: EditLists,
): Fields {
  const fields: Fields = {};
  const names: string[] = [];
  const keys: string[] = [];
  const set = (name: string, value: HeaderValue, key: string): void => {
    const at = keys.indexOf(key);
    if (at < 0) {
      names.push(name);
      keys.push(key);
    } else if (names[at] !== name) {
      delete fields[names[at] as string];
      names[at] = name;
    }
    fields[name] = value;
  };
  for (const [name, value] of given) set(name, value, name.toLowerCase());
  editHead(
    {
      names: keys.slice(),
      set,
      append: (key, value) => {
        const at = keys.indexOf(key);
        // Reading at -1 would cost more than all the rest.
        const before = at < 0 ? undefined : fields[names[at] as string];
        set(key, appended(key, before, value), key);
      },
      delete: (key) => {
        const at = keys.indexOf(key);
        if (at < 0) return;
        delete fields[names[at] as string];
        names.splice(at, 1);
        keys.splice(at, 1);
      },
    },
    lists,
  );
  return fields;
}

/** Fields to add to a head that has none of them. Deletions appear only in the bits. */
interface PlainEdits {
  readonly names: readonly string[];
  readonly values: readonly string[];
  /** A bit for each field, from {@link bitOf}. */
  readonly bits: number;
}

/** For each list that can be sent; null if it edits a field twice. */
const plains = new WeakMap<object, PlainEdits | null>();

function plainOf(edits: readonly HeaderEdit[]): PlainEdits | null {
  let plain = plains.get(edits);
  if (plain === undefined) {
    const keys = fitKeys(edits);
    if (keys === undefined) return null;
    plain = plainEdits(edits, keys);
    plains.set(edits, plain);
  }
  return plain;
}

/**
 * Adds all edits to these fields at once, as `editHead` would: for lists that were found fit, where no two of them and
 * none of the fields (`keys`, in lower case) have a name in common. False, with nothing changed, for any others.
 */
function addFields(
  fields: Record<string, HeaderValue>,
  keys: readonly string[],
  lists: EditLists,
): boolean {
  let bits = 0;
  for (const edits of lists) {
    const plain = plainOf(edits);
    if (plain === null || (bits & plain.bits) !== 0) return false;
    bits |= plain.bits;
  }
  // A name without a bit is in no list: by now every listed name has one.
  for (const key of keys) if ((bits & (bitsByKey.get(key) ?? 0)) !== 0) return false;
  for (const edits of lists) {
    // The lookup above has made sure of it.
    const { names, values } = plainOf(edits) as PlainEdits;
    // The bound of the loop makes sure that both exist.
    for (let at = 0; at < names.length; at++) fields[names[at] as string] = values[at] as string;
  }
  return true;
}

/** A bit for each field that frozen lists edit: few, and the same in every call. */
const bitsByKey = new Map<string, number>();
const MOST_BITS = 31;

/** Undefined if all bits are taken. */
function bitOf(key: string): number | undefined {
  const known = bitsByKey.get(key);
  if (known !== undefined || bitsByKey.size >= MOST_BITS) return known;
  const bit = 1 << bitsByKey.size;
  bitsByKey.set(key, bit);
  return bit;
}

function plainEdits(edits: readonly HeaderEdit[], keys: readonly string[]): PlainEdits | null {
  const names: string[] = [];
  const values: string[] = [];
  let bits = 0;
  for (const [at, edit] of edits.entries()) {
    // There is one key for each edit.
    const key = keys[at] as string;
    const bit = bitOf(key);
    if (bit === undefined || (bits & bit) !== 0) return null;
    bits |= bit;
    if (edit.op === 'delete') continue;
    names.push(edit.op === 'set' ? edit.name : key);
    values.push(edit.value);
  }
  return { names, values, bits };
}

/** If the handler has set some individually, Node uses only those. */
function editResponse(
  response: NodeHead,
  names: readonly string[],
  given: unknown,
  lists: EditLists,
): undefined {
  const taken = takeOverHead(response, given);
  editHead(
    {
      names: taken.length === 0 ? names : [...names, ...taken],
      set: (name, value) => response.setHeader(name, value),
      append: (name, value) =>
        response.setHeader(name, appended(name, response.getHeader(name), value)),
      delete: (name) => response.removeHeader(name),
    },
    lists,
  );
}

/** Headers given to `writeHead` itself, in each of the forms that Node takes, as if they had been set; their names. */
export function takeOverHead(response: NodeHead, given: unknown): readonly string[] {
  const seen: string[] = [];
  for (const [name, value] of headerPairs(given)) {
    if (value === undefined) continue;
    const key = name.toLowerCase();
    if (seen.includes(key)) {
      // The same field again, in a list of names and values.
      response.setHeader(key, [response.getHeader(key) ?? [], value].flat().map(String));
    } else response.setHeader(name, value);
    seen.push(key);
  }
  return seen;
}

type Pair = readonly [name: string, value: HeaderValue | undefined];

/** The header fields that `writeHead` takes: an object, a list of names and values, or a list of pairs of them. */
export function headerPairs(headers: unknown): readonly Pair[] {
  if (typeof headers !== 'object' || headers === null) return [];
  if (!Array.isArray(headers)) return Object.entries(headers as Fields);
  if (Array.isArray(headers[0])) return headers as Pair[];
  return headers.flatMap((name, at): Pair[] =>
    at % 2 === 0 ? [[String(name), headers[at + 1]]] : [],
  );
}
