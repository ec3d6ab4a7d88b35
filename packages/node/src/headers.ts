import { type OutgoingHttpHeaders, validateHeaderName, validateHeaderValue } from 'node:http';
import type { Denial } from '@apisec/core';
import { type Enforcement, fault, stateOf } from '@apisec/core/host';
import type { NodeResponse } from './response.ts';

type Append = { readonly op: 'append'; readonly name: string; readonly value: string };
type LateEdit = Append | { readonly op: 'delete'; readonly name: string };

/**
 * Applies header edits to a Node response. `set` stands unless the handler sets the header itself; `append` and
 * `delete` hold whatever the handler does, so they are done when the head is written.
 *
 * @returns a denial when an edit cannot be sent (a line break in its value, say): a response without the
 * headers that policies ask for must not go out as if it had them.
 */
export function applyNodeHeaders(
  response: NodeResponse,
  { applyHeaders }: Pick<Enforcement, 'applyHeaders'>,
): Denial | undefined {
  let late: LateEdit[] = [];
  try {
    applyHeaders({
      set: (name, value) => {
        response.setHeader(name, value);
        late = late.filter((edit) => edit.name !== name.toLowerCase());
      },
      append: (name, value) => {
        validateHeaderName(name);
        validateHeaderValue(name, value);
        late.push({ op: 'append', name: name.toLowerCase(), value });
      },
      delete: (name) => late.push({ op: 'delete', name: name.toLowerCase() }),
    });
  } catch (cause) {
    return fault('policy.invalid_outcome', cause);
  }
  if (late.length > 0) editHead(response, late);
  return undefined;
}

/** What is left to edit when the head is written, and how it was written before. */
interface HeldHead {
  readonly edits: readonly LateEdit[];
  readonly writeHead: (...args: readonly unknown[]) => NodeResponse;
}

const heads = stateOf<HeldHead>('apisec.head');

function editHead(response: NodeResponse, edits: readonly LateEdit[]): void {
  const held = heads.get(response);
  // Of a second guard the edits are done first, as if its function stood around the other.
  if (held !== undefined) {
    heads.set(response, { ...held, edits: [...edits, ...held.edits] });
    return;
  }
  heads.set(response, { edits, writeHead: response.writeHead as HeldHead['writeHead'] });
  response.writeHead = writeEditedHead as never;
}

/** One function for all responses: a closure for each would be garbage of each call. */
function writeEditedHead(
  this: NodeResponse,
  status: number,
  ...rest: readonly unknown[]
): NodeResponse {
  // It is only ever put on a response together with this.
  const { edits, writeHead } = heads.get(this) as HeldHead;
  if (this.headersSent) return writeHead.call(this, status);
  const [reason, headers = reason] = rest;
  takeOver(this, headers);
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
