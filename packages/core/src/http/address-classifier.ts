import { type Address, formatAddress, parseAddress } from '../lib/addresses.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions } from '../lib/options.ts';

/** What an address is for. Only `public` is meant to be reached over the internet. */
export type AddressKind =
  | 'public'
  | 'loopback'
  | 'private'
  | 'shared'
  | 'link-local'
  | 'site-local'
  | 'metadata'
  | 'multicast'
  | 'broadcast'
  | 'unspecified'
  | 'documentation'
  | 'benchmarking'
  | 'transition'
  | 'reserved'
  | 'invalid';

/** What `classifyAddress` answers. */
export interface AddressClass {
  /** True for globally reachable unicast alone. */
  readonly isPublic: boolean;
  readonly kind: AddressKind;
  /** The canonical spelling; absent for what is not an address. */
  readonly address?: string | undefined;
  /** The range that decided, for logs: `10.0.0.0/8 (Private-Use)`. */
  readonly range: string;
  /** The IPv4 address inside of an IPv6 one (RFC 6052, 3056, 4380, 5214, …), and what it is for. */
  readonly embedded?: AddressClass | undefined;
}

/** Options of `classifyAddress`. */
export interface ClassifyAddressOptions {
  /**
   * The NAT64 prefixes of your own network (RFC 6052 §2.2), with a length of 32, 40, 48, 56, 64 or 96. An address in
   * one of them leads to the IPv4 address inside of it, which only you can know.
   */
  readonly nat64Prefixes?: readonly string[] | undefined;
}

/** `classifyAddress` with its options read once. */
export function addressClassifier(
  options: ClassifyAddressOptions = {},
): (address: string | Address) => AddressClass {
  assertKnownOptions('classifyAddress', options, ['nat64Prefixes']);
  const prefixes = (options.nat64Prefixes ?? []).map(readNat64Prefix);
  return (input) => {
    const bytes = typeof input === 'string' ? parseAddress(input) : foldMapped(input);
    if (bytes === undefined) return INVALID;
    if (bytes.length === 4) return classify4(bytes);
    const nat64 = prefixes.find((prefix) => isWithin(bytes, prefix));
    if (nat64 === undefined) return classify6(bytes);
    const inside = classify4(embeddedBehind(bytes, nat64.bits));
    const range = 'a NAT64 prefix of your own';
    return {
      isPublic: inside.isPublic,
      kind: inside.kind,
      address: formatAddress(bytes),
      range: inside.isPublic ? range : `${range}, ${inside.range}`,
      embedded: inside,
    };
  };
}

interface Range {
  readonly address: Address;
  readonly bits: number;
}

interface Row extends Range {
  readonly kind: AddressKind;
  readonly text: string;
}

const INVALID: AddressClass = Object.freeze({
  isPublic: false,
  kind: 'invalid',
  range: 'not an IP address',
});

/** The IANA IPv4 special-purpose registry, and multicast (RFC 5771). The longest prefix decides. */
const IPV4: readonly Row[] = rows([
  ['0.0.0.0/8', 'reserved', 'This network'],
  ['0.0.0.0/32', 'unspecified', 'This host on this network'],
  ['10.0.0.0/8', 'private', 'Private-Use'],
  ['100.64.0.0/10', 'shared', 'Shared Address Space'],
  ['127.0.0.0/8', 'loopback', 'Loopback'],
  ['169.254.0.0/16', 'link-local', 'Link Local'],
  ['172.16.0.0/12', 'private', 'Private-Use'],
  ['192.0.0.0/24', 'reserved', 'IETF Protocol Assignments'],
  ['192.0.0.9/32', 'public', 'Port Control Protocol Anycast'],
  ['192.0.0.10/32', 'public', 'Traversal Using Relays around NAT Anycast'],
  ['192.0.2.0/24', 'documentation', 'TEST-NET-1'],
  ['192.88.99.0/24', 'transition', '6to4 Relay Anycast, deprecated'],
  ['192.168.0.0/16', 'private', 'Private-Use'],
  ['198.18.0.0/15', 'benchmarking', 'Benchmarking'],
  ['198.51.100.0/24', 'documentation', 'TEST-NET-2'],
  ['203.0.113.0/24', 'documentation', 'TEST-NET-3'],
  ['224.0.0.0/4', 'multicast', 'Multicast'],
  ['240.0.0.0/4', 'reserved', 'Reserved'],
  ['255.255.255.255/32', 'broadcast', 'Limited Broadcast'],
]);

/** The IANA IPv6 special-purpose registry, and what IANA has not given to anybody (RFC 4291 §2.4). */
const IPV6: readonly Row[] = rows([
  ['::/0', 'reserved', 'outside of Global Unicast'],
  ['2000::/3', 'public', 'Global Unicast'],
  ['::/128', 'unspecified', 'Unspecified Address'],
  ['::1/128', 'loopback', 'Loopback Address'],
  ['64:ff9b:1::/48', 'transition', 'IPv4-IPv6 Translation, local use'],
  ['100::/64', 'reserved', 'Discard-Only Address Block'],
  ['100:0:0:1::/64', 'reserved', 'Dummy IPv6 Prefix'],
  ['2001::/23', 'reserved', 'IETF Protocol Assignments'],
  ['2001:1::1/128', 'public', 'Port Control Protocol Anycast'],
  ['2001:1::2/128', 'public', 'Traversal Using Relays around NAT Anycast'],
  ['2001:1::3/128', 'public', 'DNS-SD Service Registration Protocol Anycast'],
  ['2001:2::/48', 'benchmarking', 'Benchmarking'],
  ['2001:3::/32', 'public', 'AMT'],
  ['2001:4:112::/48', 'public', 'AS112-v6'],
  ['2001:10::/28', 'reserved', 'ORCHID, deprecated'],
  ['2001:20::/28', 'public', 'ORCHIDv2'],
  ['2001:30::/28', 'public', 'Drone Remote ID Protocol Entity Tags'],
  ['2001:db8::/32', 'documentation', 'Documentation'],
  ['3ffe:831f::/32', 'transition', 'Teredo before RFC 4380'],
  ['3fff::/20', 'documentation', 'Documentation'],
  ['5f00::/16', 'reserved', 'Segment Routing SIDs'],
  ['fc00::/7', 'private', 'Unique-Local'],
  ['fe80::/10', 'link-local', 'Link-Local Unicast'],
  ['fec0::/10', 'site-local', 'Site-Local Unicast, deprecated'],
  ['ff00::/8', 'multicast', 'Multicast'],
]);

/**
 * Where clouds hand out credentials and configuration to their machines. Most lie within ranges that are not public
 * anyway; they are named so that an allowed network never includes them by accident.
 */
const METADATA: ReadonlyMap<string, string> = new Map([
  ['169.254.169.254', 'metadata of AWS, Azure, Google Cloud, Oracle Cloud, OpenStack and others'],
  ['169.254.169.252', 'metadata of Google Kubernetes Engine'],
  ['fd00:ec2::254', 'metadata of AWS'],
  ['169.254.170.2', 'credentials of AWS ECS tasks'],
  ['169.254.170.23', 'credentials of AWS EKS pods'],
  ['fd00:ec2::23', 'credentials of AWS EKS pods'],
  ['169.254.169.253', 'DNS of AWS'],
  ['fd00:ec2::253', 'DNS of AWS'],
  ['168.63.129.16', 'WireServer of Azure, on a public address'],
  ['fd20:ce::254', 'metadata of Google Cloud'],
  ['100.100.100.200', 'metadata of Alibaba Cloud'],
  ['fd00:c1::a9fe:a9fe', 'metadata of Oracle Cloud'],
  ['192.0.0.192', 'metadata of Oracle Cloud Classic'],
  ['fe80::a9fe:a9fe', 'metadata of OpenStack'],
  ['169.254.42.42', 'metadata of Scaleway'],
  ['fd00:42::42', 'metadata of Scaleway'],
  ['169.254.0.23', 'metadata of Tencent Cloud'],
  ['fd00:a9fe:a9fe::1', 'metadata of Akamai Cloud (Linode)'],
  ['100.96.0.96', 'metadata of Volcano Engine'],
  ['192.80.8.124', 'metadata of Equinix Metal, on a public address'],
]);

/** What classifies an IPv6 address by the IPv4 one that it carries. */
interface Embedding extends Range {
  readonly name: string;
  readonly at: number;
  /** Teredo hides the address of its client by inverting the bits (RFC 4380 §4). */
  readonly inverted?: boolean;
  /** Honest services are reached this way, so that a public IPv4 address inside is a public one. */
  readonly mayBePublic?: boolean;
}

const EMBEDDINGS: readonly Embedding[] = [
  { ...range('64:ff9b::/96'), name: 'NAT64', at: 12, mayBePublic: true },
  { ...range('::/96'), name: 'IPv4-compatible', at: 12 },
  { ...range('::ffff:0:0:0/96'), name: 'IPv4-translated', at: 12 },
  { ...range('64:ff9b:1::/48'), name: 'NAT64 for local use', at: 12 },
  { ...range('2002::/16'), name: '6to4', at: 2 },
  { ...range('2001::/32'), name: 'Teredo', at: 12, inverted: true },
];

function classify4(bytes: Address): AddressClass {
  return classifyBy(bytes, IPV4, '0.0.0.0/0 (public)');
}

function classify6(bytes: Address): AddressClass {
  const own = classifyBy(bytes, IPV6, '');
  if (own.kind === 'unspecified' || own.kind === 'loopback' || own.kind === 'metadata') return own;
  const embedding = EMBEDDINGS.find((each) => isWithin(bytes, each)) ?? isatap(bytes);
  if (embedding === undefined) return own;
  const { at, inverted = false, mayBePublic = false, name } = embedding;
  const inside = bytes.slice(at, at + 4);
  const embedded = classify4(inverted ? inside.map((byte) => byte ^ 255) : inside);
  // An ISATAP address is its site's first: of a link-local or private prefix it stays that.
  const outer = embedding.bits === 0 && !own.isPublic;
  const isPublic = embedded.isPublic && mayBePublic && !outer;
  const kind = outer ? own.kind : embedded.isPublic && !mayBePublic ? 'transition' : embedded.kind;
  const what = embedded.isPublic ? `${name} address` : `${name} address, ${embedded.range}`;
  return { isPublic, kind, address: own.address, range: outer ? own.range : what, embedded };
}

/** RFC 5214 §6.1: behind any prefix, `0000:5efe` and the IPv4 address; two bits of it may be set. */
function isatap(bytes: Address): Embedding | undefined {
  const [, , , , , , , , first = 0] = bytes;
  if ((first & 0xfc) !== 0 || bytes[9] !== 0 || bytes[10] !== 0x5e || bytes[11] !== 0xfe) {
    return undefined;
  }
  return { address: bytes, bits: 0, name: 'ISATAP', at: 12, mayBePublic: true };
}

function classifyBy(bytes: Address, table: readonly Row[], otherwise: string): AddressClass {
  const address = formatAddress(bytes);
  const service = METADATA.get(address);
  if (service !== undefined) return { isPublic: false, kind: 'metadata', address, range: service };
  const row = table.find((each) => isWithin(bytes, each));
  const kind = row?.kind ?? 'public';
  return { isPublic: kind === 'public', kind, address, range: row?.text ?? otherwise };
}

/** Bytes that did not come from `parseAddress` may still hold a mapped address, or no address at all. */
function foldMapped(bytes: Address): Address | undefined {
  if (bytes.length === 4) return bytes;
  if (bytes.length !== 16) return undefined;
  return isWithin(bytes, MAPPED) ? bytes.slice(12) : bytes;
}

const MAPPED: Range = {
  address: new Uint8Array([...Array(10).fill(0), 255, 255, 0, 0, 0, 0]),
  bits: 96,
};

function isWithin(bytes: Address, { address, bits }: Range): boolean {
  if (bytes.length !== address.length) return false;
  const whole = bits >> 3;
  for (let at = 0; at < whole; at++) if (bytes[at] !== address[at]) return false;
  const rest = bits & 7;
  if (rest === 0) return true;
  // `whole` is below the length, since bits is at most eight times that and leaves a rest.
  return (((bytes[whole] as number) ^ (address[whole] as number)) & (0xff00 >> rest) & 255) === 0;
}

function range(text: string): Range {
  const [first = '', bits] = text.split('/');
  const address = parseAddress(first);
  assertConfiguration(address !== undefined, `"${text}" is not an address range.`);
  return { address, bits: Number(bits) };
}

function rows(table: readonly (readonly [string, AddressKind, string])[]): readonly Row[] {
  return table
    .map(([text, kind, name]) => ({ ...range(text), kind, text: `${text} (${name})` }))
    .toSorted((one, other) => other.bits - one.bits);
}

const NAT64_LENGTHS: ReadonlySet<number> = new Set([32, 40, 48, 56, 64, 96]);

function readNat64Prefix(text: unknown): Range {
  const [first = '', length = '', ...rest] = typeof text === 'string' ? text.split('/') : [];
  const address = parseAddress(first);
  assertConfiguration(
    address?.length === 16 &&
      rest.length === 0 &&
      /^\d{2}$/.test(length) &&
      NAT64_LENGTHS.has(Number(length)) &&
      address.every((byte, at) => byte === 0 || at < Number(length) / 8),
    `classifyAddress: ${JSON.stringify(text)} is not a NAT64 prefix. Write 2001:db8:64::/96, with a length of 32, 40, 48, 56, 64 or 96.`,
  );
  return { address, bits: Number(length) };
}

/** RFC 6052 §2.2: the IPv4 address follows its prefix, and skips the byte of bits 64 to 71. */
function embeddedBehind(bytes: Address, bits: number): Address {
  const from = bits / 8;
  return Uint8Array.from([0, 1, 2, 3], (step) => {
    const at = from + step;
    return bytes[at >= 8 && bits < 96 ? at + 1 : at] ?? 0;
  });
}
