import { isSecretName, REDACTED, redactText } from './redact.ts';

const DEPTH = 4;
const MEMBERS = 16;
const ITEMS = 8;
/** What is gathered before it is redacted and cut. */
const LENGTH = 8_192;

/**
 * What a policy gave as the cause of a denial, as one line for operators: messages of errors and of what caused
 * them, members of plain objects. Never a stack, never the value of a member that is called like a secret, and no
 * text that looks like one (`redactText`). Whatever the value does when it is read, this does not throw.
 */
export function describeCause(cause: unknown, secrets: readonly string[] = []): string | undefined {
  if (cause === undefined || cause === null) return undefined;
  const out: Out = { text: '' };
  write(out, cause, DEPTH);
  return redactText(out.text, secrets);
}

interface Out {
  text: string;
}

function put(out: Out, text: string): void {
  if (out.text.length < LENGTH) out.text += text.slice(0, LENGTH - out.text.length);
}

function write(out: Out, value: unknown, depth: number): void {
  if (out.text.length >= LENGTH) return;
  try {
    if (typeof value === 'string') put(out, value);
    else if (typeof value !== 'object' || value === null) put(out, primitive(value));
    else if (depth === 0) put(out, '…');
    else if (value instanceof Error) writeError(out, value, depth);
    else if (Array.isArray(value)) writeList(out, value, depth);
    else if (depth === DEPTH) writeMembers(out, value, depth);
    else {
      put(out, '{');
      writeMembers(out, value, depth);
      put(out, '}');
    }
  } catch {
    // A getter or a proxy that throws.
    put(out, '[unreadable]');
  }
}

function primitive(value: unknown): string {
  return typeof value === 'function' || typeof value === 'symbol'
    ? `[${typeof value}]`
    : String(value);
}

function writeError(out: Out, error: Error, depth: number): void {
  const { name, message, cause } = error;
  put(out, `${text(name)}: ${text(message)}`);
  // Node's and PostgreSQL's codes say more than their messages.
  const { code } = error as { readonly code?: unknown };
  if (typeof code === 'string') put(out, ` (${code})`);
  if (error instanceof AggregateError) {
    for (const each of error.errors.slice(0, ITEMS)) {
      put(out, '; ');
      write(out, each, depth - 1);
    }
  }
  if (cause !== undefined && cause !== null) {
    put(out, '; caused by ');
    write(out, cause, depth - 1);
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function writeList(out: Out, list: readonly unknown[], depth: number): void {
  put(out, '[');
  for (let index = 0; index < list.length && index < ITEMS; index++) {
    if (index > 0) put(out, ', ');
    write(out, list[index], depth - 1);
  }
  put(out, list.length > ITEMS ? ', …]' : ']');
}

function writeMembers(out: Out, value: object, depth: number): void {
  let count = 0;
  // Not Object.keys: an object with a million members would be listed first.
  for (const name in value) {
    if (!Object.hasOwn(value, name)) continue;
    if (count++ === MEMBERS) return put(out, ', …');
    put(out, `${count === 1 ? '' : ', '}${name}=`);
    if (isSecretName(name)) put(out, REDACTED);
    else write(out, (value as Readonly<Record<string, unknown>>)[name], depth - 1);
  }
}
