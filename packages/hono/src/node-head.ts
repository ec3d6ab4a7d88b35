import { stateOf } from '@apisec/core/host';

/** A response of Node's HTTP/1 or HTTP/2 server, as far as it is needed. */
export interface NodeOutgoing {
  readonly headersSent: boolean;
  readonly writableFinished?: boolean;
  readonly closed?: boolean;
  readonly destroyed?: boolean;
  readonly errored?: unknown;
  /** Of HTTP/2. */
  readonly stream?: { readonly aborted?: boolean; readonly rstCode?: number | undefined } | null;
  readonly getHeader: (name: string) => HeaderValue | undefined;
  readonly setHeader: (name: string, value: HeaderValue) => unknown;
  readonly removeHeader: (name: string) => unknown;
  readonly once: (event: 'finish' | 'close', listener: () => void) => unknown;
  writeHead: WriteHead;
}

type HeaderValue = number | string | readonly string[];
type WriteHead = (this: NodeOutgoing, status: number, ...rest: readonly unknown[]) => unknown;

/** What is edited when the head is written, since it holds whatever the handler sets. */
export type LateEdit =
  | { readonly op: 'append'; readonly name: string; readonly value: string }
  | { readonly op: 'delete'; readonly name: string };

interface HeldHead {
  readonly edits: readonly LateEdit[];
  readonly writeHead: WriteHead;
}

const heads = stateOf<HeldHead>('apisec.head');

/** Edits the head of a response once the host writes it. */
export function editHead(outgoing: NodeOutgoing, edits: readonly LateEdit[]): void {
  const held = heads.get(outgoing);
  // Of a second guard the edits are done first, as if its function stood around the other.
  if (held !== undefined) {
    heads.set(outgoing, { ...held, edits: [...edits, ...held.edits] });
    return;
  }
  heads.set(outgoing, { edits, writeHead: outgoing.writeHead });
  outgoing.writeHead = writeEditedHead;
}

/** One function for all responses: a closure for each would be garbage of each call. */
function writeEditedHead(this: NodeOutgoing, status: number, ...rest: readonly unknown[]): unknown {
  // It is only ever put on a response together with this.
  const { edits, writeHead } = heads.get(this) as HeldHead;
  if (this.headersSent) return writeHead.call(this, status, ...rest);
  takeOver(this, rest.at(-1));
  for (const edit of edits) {
    if (edit.op === 'delete') this.removeHeader(edit.name);
    else append(this, edit.name, edit.value);
  }
  const [reason] = rest;
  return typeof reason === 'string'
    ? writeHead.call(this, status, reason)
    : writeHead.call(this, status);
}

/** Headers given to `writeHead` itself, as if they had been set. */
function takeOver(outgoing: NodeOutgoing, headers: unknown): void {
  if (typeof headers !== 'object' || headers === null) return;
  if (!Array.isArray(headers)) {
    for (const [name, value] of Object.entries(headers as Record<string, HeaderValue>)) {
      if (value !== undefined) outgoing.setHeader(name, value);
    }
    return;
  }
  // A list of names and values, flat or in pairs, in which a name may stand twice.
  const flat: readonly unknown[] = headers.flat();
  const seen = new Set<string>();
  for (let at = 0; at + 1 < flat.length; at += 2) {
    const name = String(flat[at]);
    const value = String(flat[at + 1]);
    if (seen.has(name.toLowerCase())) append(outgoing, name.toLowerCase(), value);
    else outgoing.setHeader(name, value);
    seen.add(name.toLowerCase());
  }
}

function append(outgoing: NodeOutgoing, name: string, value: string): void {
  const present = outgoing.getHeader(name);
  if (present === undefined) outgoing.setHeader(name, value);
  // Cookies are the one list that cannot be joined (RFC 6265 §3).
  else if (name === 'set-cookie')
    outgoing.setHeader(name, [...[present].flat().map(String), value]);
  else outgoing.setHeader(name, `${[present].flat().join(', ')}, ${value}`);
}
