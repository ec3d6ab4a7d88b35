import { assertConfiguration } from './configuration-error.ts';

/** An IP address as its bytes: 4 for IPv4, 16 for IPv6. One address has one form. */
export type Address = Uint8Array;

/** `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`; anything longer is not even looked at. */
const LONGEST = 45;

/**
 * Reads an IP address, or answers undefined. Strict: four decimal parts without leading zeros for IPv4 (no
 * octal, hexadecimal or short forms), RFC 4291 §2.2 for IPv6, no zone, no port, no white space. An IPv4-mapped
 * IPv6 address (`::ffff:0:0/96`) is the IPv4 address, however it is written.
 */
export function parseAddress(text: string): Address | undefined {
  if (text.length > LONGEST) return undefined;
  if (!text.includes(':')) {
    const bytes = new Uint8Array(4);
    return readIpv4(text, bytes, 0) ? bytes : undefined;
  }
  const bytes = readIpv6(text);
  return bytes !== undefined && isMapped(bytes) ? bytes.slice(12) : bytes;
}

/** Writes an address in its canonical form: dotted decimal, or RFC 5952 for IPv6. */
export function formatAddress(address: Address): string {
  if (address.length === 4) return address.join('.');
  const groups: number[] = [];
  for (let at = 0; at < 16; at += 2) groups.push(groupAt(address, at));
  const [start, end] = longestZeros(groups);
  const hex = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  return end - start > 1 ? `${hex(0, start)}::${hex(end, 8)}` : hex(0, 8);
}

/**
 * The IPv4 address that an IPv6 address stands for by itself: that of a caller behind NAT64 (`64:ff9b::/96`, RFC 6052
 * §2.1) or of a 6to4 site (`2002::/16`, RFC 3056 §2), who has it in any number of forms. To count and to deny
 * by, not to let in by: it is the caller's in another network.
 */
export function embeddedIpv4(address: Address): Address | undefined {
  if (address.length !== 16) return undefined;
  if (address[0] === 0x20 && address[1] === 0x02) return address.slice(2, 6);
  return NAT64.every((byte, at) => address[at] === byte) ? address.slice(12) : undefined;
}

/** `64:ff9b::/96`, the well-known prefix. */
const NAT64: readonly number[] = [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0];

/**
 * Whether an address lies in one of the ranges (`10.0.0.0/8`, `2001:db8::/32`, or a single address), found by
 * halving: 17 steps for 100,000 ranges. An undefined address lies in none.
 *
 * @throws ConfigurationError when a range cannot be read, or has bits set behind its prefix.
 */
export function addressRanges(
  ranges: readonly string[],
): (address: Address | undefined) => boolean {
  const [four, sixteen]: [Span[], Span[]] = [[], []];
  for (const text of ranges) {
    const { address, prefix } = readRange(text);
    const start = bytesText(address);
    (address.length === 4 ? four : sixteen).push({ start, end: lastOf(address, prefix) });
  }
  const [inFour, inSixteen] = [searchIn(four), searchIn(sixteen)];
  return (address) =>
    address !== undefined &&
    (address.length === 4 ? inFour(bytesText(address)) : inSixteen(bytesText(address)));
}

/** The first and the last address of a range, as strings that sort as their bytes do. */
interface Span {
  readonly start: string;
  readonly end: string;
}

function searchIn(spans: readonly Span[]): (address: string) => boolean {
  const starts: string[] = [];
  const ends: string[] = [];
  const sorted = spans.toSorted((one, other) => (one.start < other.start ? -1 : 1));
  for (const { start, end } of sorted) {
    const last = ends.at(-1);
    if (last === undefined || start > last) {
      starts.push(start);
      ends.push(end);
      // Two ranges are apart, or one lies in the other.
    } else if (end > last) ends[ends.length - 1] = end;
  }
  return (address) => {
    let [low, high] = [0, starts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      // The index is inside: `low <= middle < high`.
      if ((starts[middle] as string) <= address) low = middle + 1;
      else high = middle;
    }
    return low > 0 && address <= (ends[low - 1] as string);
  };
}

function readRange(text: string): { readonly address: Address; readonly prefix: number } {
  const [before = '', after, ...rest] = text.split('/');
  const address = parseAddress(before);
  assertConfiguration(
    address !== undefined && rest.length === 0 && (after === undefined || /^\d{1,3}$/.test(after)),
    `"${text}" is not an address range. Write 10.0.0.0/8, 2001:db8::/32 or one address.`,
  );
  const bits = address.length * 8;
  const mapped = bits === 32 && before.includes(':');
  const prefix = after === undefined ? bits : Number(after) - (mapped ? 96 : 0);
  assertConfiguration(
    prefix >= 0 && prefix <= bits,
    `"${text}": the prefix of this address goes from 0 to ${bits}.`,
  );
  assertConfiguration(
    address.every((byte, at) => (byte & hostBits(prefix, at)) === 0),
    `"${text}" has bits set after its prefix: write the range's first address, or no prefix.`,
  );
  return { address, prefix };
}

/** The bits of a byte that lie behind a prefix. */
function hostBits(prefix: number, at: number): number {
  return 255 >> Math.min(8, Math.max(0, prefix - at * 8));
}

function lastOf(address: Address, prefix: number): string {
  return bytesText(address.map((byte, at) => byte | hostBits(prefix, at)));
}

function bytesText(address: Address): string {
  return String.fromCharCode(...address);
}

function readIpv4(text: string, into: Uint8Array, at: number): boolean {
  const parts = text.split('.', 5);
  if (parts.length !== 4) return false;
  for (const [index, part] of parts.entries()) {
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return false;
    into[at + index] = Number(part);
  }
  return true;
}

function readIpv6(text: string): Address | undefined {
  const [head = '', tail, ...rest] = text.split('::', 3);
  if (rest.length > 0) return undefined;
  const bytes = new Uint8Array(16);
  const front = readGroups(head, bytes, tail === undefined);
  if (tail === undefined) return front === 16 ? bytes : undefined;
  const back = new Uint8Array(16);
  const behind = readGroups(tail, back, true);
  // The gap stands for one group at least.
  if (front === undefined || behind === undefined || front + behind > 14) return undefined;
  bytes.set(back.subarray(0, behind), 16 - behind);
  return bytes;
}

/** Reads groups of 16 bits from the beginning of `into`; answers how many bytes they took. */
function readGroups(text: string, into: Uint8Array, last: boolean): number | undefined {
  if (text === '') return 0;
  const groups = text.split(':', 9);
  let at = 0;
  for (const [index, group] of groups.entries()) {
    if (at > 14) return undefined;
    if (group.includes('.')) {
      if (!last || index !== groups.length - 1 || at > 12) return undefined;
      return readIpv4(group, into, at) ? at + 4 : undefined;
    }
    if (!/^[0-9a-f]{1,4}$/i.test(group)) return undefined;
    const value = Number.parseInt(group, 16);
    into[at] = value >> 8;
    into[at + 1] = value & 255;
    at += 2;
  }
  return at;
}

function isMapped(bytes: Address): boolean {
  for (let at = 0; at < 10; at++) if (bytes[at] !== 0) return false;
  return bytes[10] === 255 && bytes[11] === 255;
}

function groupAt(address: Address, at: number): number {
  return ((address[at] as number) << 8) | (address[at + 1] as number);
}

/** The longest run of zero groups; the first of equals (RFC 5952 §4.2.3). */
function longestZeros(groups: readonly number[]): readonly [start: number, end: number] {
  let [start, end] = [0, 0];
  for (let from = 0; from < groups.length; from++) {
    let to = from;
    while (groups[to] === 0) to++;
    if (to - from > end - start) [start, end] = [from, to];
    if (to > from) from = to;
  }
  return [start, end];
}
