import { type OutgoingHttpHeaders, validateHeaderName, validateHeaderValue } from 'node:http';
import type { Denial } from '@apisec/core';
import { type Enforcement, fault, stateOf } from '@apisec/core/host';
import type { NodeResponse } from './response.ts';

type Append = { readonly op: 'append'; readonly name: string; readonly value: string };
type LateEdit = Append | { readonly op: 'delete'; readonly name: string };

/** What is left to do when the head is written, and how it was written before. */
interface HeldHead {
  /** By the name in lower case, as it was written. They stand unless the handler sets the header itself. */
  readonly sets: Map<string, readonly [name: string, value: string]>;
  readonly edits: readonly LateEdit[];
  readonly writeHead: (...args: readonly unknown[]) => NodeResponse;
}

const heads = stateOf<HeldHead>('apisec.head');

/**
 * Holds header edits until the head of a Node response is written, so that they are written once, with those of the
 * handler. `set` stands unless the handler sets the header itself; `append` and `delete` hold whatever it does.
 *
 * @returns a denial when an edit cannot be sent (a line break in its value, say): a response without the
 * headers that policies ask for must not go out as if it had them.
 */
export function applyNodeHeaders(
  response: NodeResponse,
  { applyHeaders }: Pick<Enforcement, 'applyHeaders'>,
): Denial | undefined {
  const sets: HeldHead['sets'] = new Map();
  let edits: LateEdit[] | undefined;
  try {
    applyHeaders({
      set: (name, value) => {
        const key = sendable(name, value);
        sets.set(key, [name, value]);
        if (edits?.some((edit) => edit.name === key)) {
          edits = edits.filter((edit) => edit.name !== key);
        }
      },
      append: (name, value) => {
        (edits ??= []).push({ op: 'append', name: sendable(name, value), value });
      },
      delete: (name) => {
        const key = name.toLowerCase();
        sets.delete(key);
        (edits ??= []).push({ op: 'delete', name: key });
      },
    });
  } catch (cause) {
    return fault('policy.invalid_outcome', cause);
  }
  if (sets.size > 0 || edits !== undefined) hold(response, sets, edits ?? []);
  return undefined;
}

/** The last value of each name that was found fit to be sent: most are the same in every call. */
const fit = new Map<string, { readonly key: string; value: string }>();
const MOST_NAMES = 200;

/** The name in lower case. Throws where Node could not send it. */
function sendable(name: string, value: string): string {
  const known = fit.get(name);
  if (known?.value === value) return known.key;
  if (known === undefined) validateHeaderName(name);
  validateHeaderValue(name, value);
  if (known !== undefined) {
    known.value = value;
    return known.key;
  }
  const key = name.toLowerCase();
  if (fit.size < MOST_NAMES) fit.set(name, { key, value });
  return key;
}

function hold(response: NodeResponse, sets: HeldHead['sets'], edits: readonly LateEdit[]): void {
  const held = heads.get(response);
  // Of a second guard the edits are done first, as if its function stood around the other.
  if (held !== undefined) {
    for (const [key, header] of sets) held.sets.set(key, header);
    heads.set(response, { ...held, edits: [...edits, ...held.edits] });
    return;
  }
  heads.set(response, { sets, edits, writeHead: response.writeHead as HeldHead['writeHead'] });
  response.writeHead = writeHeldHead as never;
}

/** One function for all responses: a closure for each would be garbage of each call. */
function writeHeldHead(
  this: NodeResponse,
  status: number,
  ...rest: readonly unknown[]
): NodeResponse {
  // It is only ever put on a response together with this.
  const { sets, edits, writeHead } = heads.get(this) as HeldHead;
  if (this.headersSent) return writeHead.call(this, status);
  const [reason, headers = reason] = rest;
  takeOver(this, headers);
  for (const [name, value] of sets.values()) {
    if (!this.hasHeader(name)) this.setHeader(name, value);
  }
  for (const edit of edits) {
    if (edit.op === 'delete') this.removeHeader(edit.name);
    else append(this, edit);
  }
  return typeof reason === 'string'
    ? writeHead.call(this, status, reason)
    : writeHead.call(this, status);
}

/** Headers given to `writeHead` itself, in each of the forms that Node takes, as if they had been set. */
function takeOver(response: NodeResponse, headers: unknown): void {
  if (typeof headers !== 'object' || headers === null) return;
  const seen = new Set<string>();
  for (const [name, value] of fields(headers)) {
    const key = name.toLowerCase();
    if (value === undefined) continue;
    if (seen.has(key)) response.appendHeader(name, value as string);
    else response.setHeader(name, value);
    seen.add(key);
  }
}

function fields(headers: object): readonly (readonly [string, OutgoingHttpHeaders[string]])[] {
  if (!Array.isArray(headers)) return Object.entries(headers as OutgoingHttpHeaders);
  if (Array.isArray(headers[0])) return headers as [string, string][];
  return headers.flatMap((name, at) => (at % 2 === 0 ? [[String(name), headers[at + 1]]] : []));
}

function append(response: NodeResponse, { name, value }: Append): void {
  const present = response.getHeader(name);
  if (present === undefined) response.setHeader(name, value);
  // Cookies are the one list that cannot be joined (RFC 6265 §3).
  else if (name === 'set-cookie') response.appendHeader(name, value);
  else response.setHeader(name, `${[present].flat().join(', ')}, ${value}`);
}
