import type { DenialCode } from '../engine/codes.ts';
import type { DenialKind } from '../engine/denial.ts';
import { type Deny, deny } from '../engine/outcome.ts';
import { addressRanges, parseAddress } from '../lib/addresses.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { parseUrl } from '../lib/parse-url.ts';
import { type AddressClass, addressClassifier } from './address-classifier.ts';

/** Options of `checkUrl`. */
export interface CheckUrlOptions {
  /** Default: both. */
  readonly schemes?: readonly ('https' | 'http')[] | undefined;
  /** Default: 80 and 443. */
  readonly ports?: readonly number[] | undefined;
  /**
   * Only these hosts: `api.example.com`, an address, or `*.example.com` for every name below it (not itself). A name
   * in this list may be a local one (`billing.internal`). Default: all that are public.
   */
  readonly allowedHosts?: readonly string[] | undefined;
  /** Never these hosts, in the same notation. For example your own. */
  readonly deniedHosts?: readonly string[] | undefined;
  /**
   * Networks that may be reached although they are not public: `10.20.0.0/16`. The metadata service of a cloud stays
   * denied in every one of them, unless its single address is listed.
   */
  readonly allowedNetworks?: readonly string[] | undefined;
  /** Networks that are denied although they are public. For example your own. */
  readonly deniedNetworks?: readonly string[] | undefined;
  /** `false`: only `allowedNetworks`. Default: true. */
  readonly publicInternet?: boolean | undefined;
  /** The NAT64 prefixes of your own network, which lead to the IPv4 addresses inside of them. */
  readonly nat64Prefixes?: readonly string[] | undefined;
}

/** Options of `checkUrl`, by name. */
export const URL_OPTIONS: readonly (keyof CheckUrlOptions)[] = [
  'schemes',
  'ports',
  'allowedHosts',
  'deniedHosts',
  'allowedNetworks',
  'deniedNetworks',
  'publicInternet',
  'nat64Prefixes',
];

/** A URL that may be called, as far as its text shows. */
export interface CheckedUrl {
  readonly ok: true;
  /** The one parsed form to go on with, without fragment. Never parse the text again. */
  readonly url: URL;
  readonly port: number;
  /** The name to resolve, in ASCII and without a trailing dot; or the address, which is checked already. */
  readonly host: { readonly name: string } | { readonly address: string };
}

/** What `checkUrl` answers. */
export type UrlCheck = CheckedUrl | Deny;

/** `checkUrl` with its options read once, and what it asks of each address that a name resolves to. */
export interface UrlRules {
  readonly check: (input: string | URL) => UrlCheck;
  /** Denies an address that may not be reached; undefined when it may. */
  readonly checkAddress: (address: string) => Deny | undefined;
}

/** Longer URLs are denied unread. */
const LONGEST_URL = 8_192;

/** Reads the options of `checkUrl` for the factory `where`. */
export function urlRules(where: string, options: CheckUrlOptions): UrlRules {
  assertKnownOptions(where, options, URL_OPTIONS);
  const { schemes = ['https', 'http'], ports = [80, 443], publicInternet = true } = options;
  assertConfiguration(
    Array.isArray(schemes) &&
      schemes.length > 0 &&
      schemes.every((scheme) => scheme === 'https' || scheme === 'http'),
    `${where}: schemes must be a list of 'https' and 'http'.`,
  );
  assertConfiguration(
    Array.isArray(ports) && ports.length > 0 && ports.every(isPort),
    `${where}: ports must be a list of numbers from 1 to 65535, like [443].`,
  );
  assertConfiguration(
    typeof publicInternet === 'boolean',
    `${where}: publicInternet must be true or false.`,
  );
  const allowed = options.allowedHosts && hostList(where, 'allowedHosts', options.allowedHosts);
  const denied = hostList(where, 'deniedHosts', options.deniedHosts ?? []);
  const { allowedNetworks = [], deniedNetworks = [] } = options;
  for (const [name, list] of Object.entries({ allowedNetworks, deniedNetworks })) {
    assertConfiguration(
      Array.isArray(list) && list.every((each) => typeof each === 'string'),
      `${where}: ${name} must be a list like ['10.20.0.0/16'].`,
    );
  }
  const isAllowed = addressRanges(allowedNetworks);
  const isDenied = addressRanges(deniedNetworks);
  // A network of one address names it; a wider one only happens to include it.
  const isNamed = addressRanges(
    allowedNetworks.filter((each) => /^[^/]*(?:\/(?:32|128))?$/.test(each)),
  );
  const classify = addressClassifier({ nat64Prefixes: options.nat64Prefixes });
  // An operator who allows a network of his own has names for it; the addresses decide then.
  const allowsLocalNames = allowedNetworks.length > 0;

  const checkAddress = (text: string): Deny | undefined => {
    const bytes = parseAddress(text);
    const found = classify(text);
    const inside =
      found.embedded?.address === undefined ? undefined : parseAddress(found.embedded.address);
    if (bytes === undefined || isDenied(bytes) || isDenied(inside)) return addressDenied(found);
    if (found.kind === 'metadata' || found.embedded?.kind === 'metadata') {
      return isNamed(bytes) ? undefined : addressDenied(found);
    }
    if (isAllowed(bytes)) return undefined;
    return found.isPublic && publicInternet ? undefined : addressDenied(found);
  };

  return {
    checkAddress,
    check: (input) => {
      const url = parseStrictUrl(input);
      if (url === undefined) return MALFORMED;
      if (!schemes.some((scheme) => url.protocol === `${scheme}:`)) {
        return denied403('egress.scheme_not_allowed', url.protocol);
      }
      if (url.username !== '' || url.password !== '' || hasUserinfo(input)) {
        return denied403('egress.url_credentials');
      }
      const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
      if (!ports.includes(port)) return denied403('egress.port_not_allowed', port);
      const { hostname } = url;
      const literal = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
      const isListed = allowed?.(literal) === true;
      if ((allowed !== undefined && !isListed) || denied(literal)) {
        return denied403('egress.host_not_allowed', literal);
      }
      if (parseAddress(literal) !== undefined) {
        const problem = checkAddress(literal);
        return problem ?? { ok: true, url, port, host: { address: literal } };
      }
      if (!isListed && (isMetadataName(literal) || (!allowsLocalNames && isLocalName(literal)))) {
        return denied403('egress.host_local', literal);
      }
      return { ok: true, url, port, host: { name: literal } };
    },
  };
}

function isPort(port: unknown): boolean {
  return Number.isInteger(port) && Number(port) >= 1 && Number(port) <= 65_535;
}

const MALFORMED = deny('malformed', 'egress.url_malformed', {
  detail: 'The URL cannot be called.',
});

function denied403(code: DenialCode, cause?: unknown): Deny {
  const kind: DenialKind = 'forbidden';
  return deny(kind, code, { detail: 'The URL may not be called.', cause });
}

function addressDenied({ kind, range, address }: AddressClass): Deny {
  return denied403('egress.address_not_allowed', `${address ?? 'it'} is ${kind}: ${range}`);
}

/**
 * Parses as WHATWG does and denies what it would mend in silence: other software reads it in another way, or never
 * sees it. The host must then look like a DNS name, since WHATWG lets through quotes, semicolons and more.
 */
function parseStrictUrl(input: string | URL): URL | undefined {
  // A URL object is only read for its text: its class may not be the one that parses here.
  const text = typeof input === 'string' ? input : input instanceof URL ? input.href : '';
  if (text.length > LONGEST_URL || text.trim() !== text || /[\p{Cc}\\]/u.test(text))
    return undefined;
  if (!/^[a-z][a-z0-9+.-]*:/i.test(text)) return undefined;
  // `http:/host` and `http:host` have a host for browsers alone, `http:///host` another one for others.
  if (/^https?:/i.test(text) && !/^https?:\/\/[^/]/i.test(text)) return undefined;
  const url = parseUrl(text);
  if (url === undefined) return undefined;
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return url;
  url.hash = '';
  if (url.hostname.endsWith('.')) {
    // One dot at the end is the same name to DNS, but not to lists, certificates and virtual hosts.
    url.hostname = url.hostname.slice(0, -1);
  }
  return isHost(url.hostname) ? url : undefined;
}

/** Also `https://@host` and `https://:@host`, of which a parsed URL keeps no trace. */
function hasUserinfo(input: string | URL): boolean {
  return typeof input === 'string' && /^[^/]*\/\/[^/?#]*@/.test(input);
}

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

function isHost(hostname: string): boolean {
  if (hostname.startsWith('[')) return parseAddress(hostname.slice(1, -1)) !== undefined;
  if (hostname.length === 0 || hostname.length > 253) return false;
  return hostname.split('.').every((label) => LABEL.test(label));
}

/** RFC 6761, 6762, 7686, 8375, 9476, what ICANN keeps out of the root, and suffixes that are common within networks. */
const LOCAL_SUFFIX =
  /(?:^|\.)(?:localhost|local|localdomain|localhost6|localdomain6|localnet|internal|intranet|private|corp|home|mail|lan|svc|default|consul|home\.arpa|onion|alt|invalid|test)$/;
/** What a top-level domain of the public DNS looks like: letters alone, or an international one (RFC 3696 §2). */
const PUBLIC_SUFFIX = /\.(?:[a-z]{2,}|xn--[a-z0-9-]+)$/;
/** Public names that resolve to any address which stands in them, or to loopback. Not complete, nor could it be. */
const LOOPING_SUFFIX =
  /(?:^|\.)(?:nip\.io|sslip\.io|xip\.io|traefik\.me|localtest\.me|lvh\.me|vcap\.me|lacolhost\.com|localho\.st|1u\.ms|rbndr\.us)$/;
/** Names of metadata services that are not local by their looks. */
const METADATA_NAME =
  /^(?:metadata|instance-data|metadata\.goog|metadata\.google\.internal|instance-data\.ec2\.internal|metadata\.tencentyun\.com|metadata\.platformequinix\.com|metadata\.packet\.net|metadata\.azure\.(?:com|internal)|api\.metadata\.cloud\.ibm\.com)$/;

function isLocalName(name: string): boolean {
  // Any other name is looked up in the network's own domain, as one without a dot is.
  return !PUBLIC_SUFFIX.test(name) || LOCAL_SUFFIX.test(name) || LOOPING_SUFFIX.test(name);
}

function isMetadataName(name: string): boolean {
  return METADATA_NAME.test(name);
}

/** Whether a host is in a list; compared label by label, so that `*.a.com` is not met by `evila.com`. */
function hostList(
  where: string,
  option: string,
  list: readonly string[],
): (host: string) => boolean {
  assertConfiguration(
    Array.isArray(list),
    `${where}: ${option} must be a list like ['api.example.com', '*.example.net'].`,
  );
  const exact = new Set<string>();
  const suffixes: string[] = [];
  for (const entry of list as readonly unknown[]) {
    const text = typeof entry === 'string' ? entry : '';
    const wild = text.startsWith('*.');
    const host = canonicalHost(wild ? text.slice(2) : text);
    assertConfiguration(
      host !== undefined && !(wild && (!host.includes('.') || parseAddress(host) !== undefined)),
      `${where}: ${option} has ${JSON.stringify(entry)}, which is not a host. Write 'api.example.com', '*.example.com' or an address, without scheme, port or path.`,
    );
    if (wild) suffixes.push(`.${host}`);
    else exact.add(host);
  }
  return (host) => exact.has(host) || suffixes.some((suffix) => host.endsWith(suffix));
}

/**
 * A configured host in the form that a parsed URL has it, without brackets; also international names and bare IPv6.
 * Undefined for anything else: a wildcard, a scheme, a port, a path.
 */
export function canonicalHost(text: string): string | undefined {
  if (/[/?#@\\\s]/.test(text)) return undefined;
  const isIpv6 = parseAddress(text)?.length === 16;
  const source = `http://${isIpv6 ? `[${text}]` : text}/`;
  const url = parseStrictUrl(source);
  if (
    url === undefined ||
    url.port !== '' ||
    /:\d*$/.test(isIpv6 ? '' : text.replace(/\[.*\]/, ''))
  )
    return undefined;
  return url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
}
