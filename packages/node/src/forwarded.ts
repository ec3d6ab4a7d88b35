import { type Address, parseAddress } from '@apisec/core/host';

/**
 * The addresses of `X-Forwarded-For` from right to left; undefined for an element that is no address. A port
 * is allowed (`192.0.2.1:4711`, `[2001:db8::1]:4711`), since some load balancers write one.
 */
export function readForwardedFor(value: string): Iterator<Address | undefined> {
  return elements(value, (element) => readNode(element));
}

/**
 * The `for` addresses of `Forwarded` (RFC 7239 §4) from right to left; undefined for an element without one
 * address: `unknown`, an obfuscated name, a repeated or malformed `for`.
 *
 * Read from the right, because the left is the caller's: a quote that is opened there and never closed
 * must not swallow what the proxies wrote behind it.
 */
export function readForwarded(value: string): Iterator<Address | undefined> {
  return elements(value, (element) => {
    const found = parameterOf(element, 'for');
    if (found === undefined) return undefined;
    // Only quoted can a node hold a colon (§4), and a node holds nothing that needs escaping.
    const { text, quoted } = found;
    return quoted || !text.includes(':') ? readNode(text, true) : undefined;
  });
}

/** The elements of `Forwarded` from right to left, with the parameter; undefined where it is missing or repeated. */
export function readForwardedParameter(
  value: string,
  name: 'proto' | 'host',
): Iterator<string | undefined> {
  return elements(value, (element) => parameterOf(element, name)?.text);
}

interface Parameter {
  readonly text: string;
  readonly quoted: boolean;
}

function parameterOf(element: string, name: string): Parameter | undefined {
  let found: string | undefined;
  for (const pair of split(element, ';')) {
    const [own, value] = /^([^=]*)=(.*)$/.exec(pair.trim())?.slice(1) ?? [];
    if (value === undefined || own?.toLowerCase() !== name) continue;
    if (found !== undefined) return undefined;
    found = value;
  }
  if (found === undefined) return undefined;
  const [, quoted] = /^"([^"\\]*)"$/.exec(found) ?? [];
  return { text: quoted ?? found, quoted: quoted !== undefined };
}

function* elements<Part>(value: string, read: (element: string) => Part): Generator<Part, void> {
  for (const element of split(value, ',')) yield read(element.trim());
}

/** RFC 7239 §6: IPv4 with an optional port, or bracketed IPv6 with one. */
function readNode(node: string, bracketsOnly = false): Address | undefined {
  const [, ipv6, ipv4] = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d{1,5})?$/.exec(node) ?? [];
  if (ipv6 !== undefined) return ipv6.includes(':') ? parseAddress(ipv6) : undefined;
  if (ipv4 !== undefined) return parseAddress(ipv4);
  return bracketsOnly ? undefined : parseAddress(node);
}

/** The parts between separators that stand outside quotes, last first. */
function* split(text: string, separator: string): Generator<string, void> {
  let end = text.length;
  let quoted = false;
  for (let at = text.length - 1; at >= 0; at--) {
    if (text[at] === '"' && !(quoted && isEscaped(text, at))) quoted = !quoted;
    else if (text[at] === separator && !quoted) {
      yield text.slice(at + 1, end);
      end = at;
    }
  }
  yield text.slice(0, end);
}

/** A quote behind an odd number of backslashes is a character of the quoted string. */
function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === '\\') backslashes++;
  return backslashes % 2 === 1;
}
