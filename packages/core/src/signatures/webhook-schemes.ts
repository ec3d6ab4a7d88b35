import type { HeadersView } from '../engine/request.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { isObject, parseStrictJson } from '../lib/strict-json.ts';
import { canonicalJson } from './canonical-json.ts';
import { decodeBase64, type WebhookAlgorithm } from './webhook-keys.ts';

/** A signature as a request carries it. */
export interface PresentedWebhookSignature {
  readonly algorithm: WebhookAlgorithm;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What a scheme reads from a request. */
export interface PresentedWebhook {
  /** The id of the message, where it is signed. */
  readonly id?: string | undefined;
  /** Epoch seconds, where they are signed. */
  readonly timestamp?: number | undefined;
  /** At most 16; one of them must be good. */
  readonly signatures: readonly PresentedWebhookSignature[];
  /** What stands before the body in what is signed. */
  readonly prefix: string;
  /** What is signed instead of the body, where that is not the bytes themselves. */
  readonly content?: Uint8Array | undefined;
}

/** How a sender signs. For one of your own: `read` answers what was presented, or what is wrong with it. */
export interface WebhookScheme {
  readonly name: string;
  /** Whether a signed time keeps a message from being sent again for ever. */
  readonly isTimed: boolean;
  /** Whether secrets are base64, with or without `whsec_`. Default: false. */
  readonly secretsAreBase64?: boolean | undefined;
  /** What a signed message carries: for operators, where one is denied. */
  readonly expects?: string | undefined;
  readonly read: (
    headers: HeadersView,
    body: Uint8Array,
  ) => PresentedWebhook | 'webhook.signature_missing' | 'webhook.malformed';
}

/** The plain scheme: HMAC-SHA256 over `timestamp.body`, or over canonical JSON (RFC 8785). */
export interface PlainWebhookScheme {
  readonly type: 'sha256' | 'canonical-json';
  /**
   * Holds `sha256=` and the HMAC in hexadecimal, or that in base64; for `canonical-json` also an Ed25519 signature in
   * base64.
   */
  readonly signatureHeader: string;
  /** Holds epoch seconds. `false`: there is none, so that each message can be sent again for ever. */
  readonly timestampHeader: string | false;
}

const MISSING = 'webhook.signature_missing';
const MALFORMED = 'webhook.malformed';
const MOST_SIGNATURES = 16;
const LONGEST_HEADER = 4_096;

const TIMESTAMP = /^(?:0|[1-9]\d{0,11})$/;
/** Visible ASCII without the full stop that separates the parts of what is signed. */
const ID = /^[!-\x2d/-~]{1,256}$/;
const HEX = /^[0-9a-f]{64}$/;

const hmac = (bytes: Uint8Array<ArrayBuffer>): PresentedWebhookSignature => ({
  algorithm: 'hmac-sha256',
  bytes,
});

function hexBytes(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!HEX.test(text)) return undefined;
  return Uint8Array.from({ length: 32 }, (_, at) =>
    Number.parseInt(text.slice(2 * at, 2 * at + 2), 16),
  );
}

function field(headers: HeadersView, name: string): string | undefined {
  const value = headers.get(name);
  return value === null || value === undefined || value.length > LONGEST_HEADER ? undefined : value;
}

/** Standard Webhooks: `v1` is HMAC-SHA256 and `v1a` Ed25519, both over `id.timestamp.body`. */
function standard(prefix: 'webhook' | 'svix'): WebhookScheme {
  return {
    name: prefix === 'webhook' ? 'standard' : 'svix',
    isTimed: true,
    secretsAreBase64: true,
    expects: `${prefix}-id (no spaces, no full stop), ${prefix}-timestamp (epoch seconds) and ${prefix}-signature ('v1,' and base64; at most ${MOST_SIGNATURES})`,
    read: (headers) => {
      const [id, timestamp, list] = ['id', 'timestamp', 'signature'].map((name) =>
        field(headers, `${prefix}-${name}`),
      );
      if (!id || !timestamp || !list) return MISSING;
      const entries = list.split(' ');
      if (!ID.test(id) || !TIMESTAMP.test(timestamp) || entries.length > MOST_SIGNATURES)
        return MALFORMED;
      const signatures: PresentedWebhookSignature[] = [];
      for (const entry of entries) {
        const comma = entry.indexOf(',');
        const [version, bytes] = [entry.slice(0, comma), decodeBase64(entry.slice(comma + 1))];
        if (version === 'v1' && bytes?.length === 32) signatures.push(hmac(bytes));
        if (version === 'v1a' && bytes?.length === 64)
          signatures.push({ algorithm: 'ed25519', bytes });
      }
      return { id, timestamp: Number(timestamp), signatures, prefix: `${id}.${timestamp}.` };
    },
  };
}

const SCHEMES: Readonly<Record<string, WebhookScheme>> = {
  standard: standard('webhook'),
  svix: standard('svix'),
  github: {
    name: 'github',
    isTimed: false,
    expects: "x-hub-signature-256 ('sha256=' and 64 hexadecimal digits)",
    read: (headers) => {
      const value = field(headers, 'x-hub-signature-256');
      if (!value) return MISSING;
      const bytes = value.startsWith('sha256=') ? hexBytes(value.slice(7)) : undefined;
      return bytes === undefined ? MALFORMED : { signatures: [hmac(bytes)], prefix: '' };
    },
  },
  stripe: {
    name: 'stripe',
    isTimed: true,
    expects: "stripe-signature ('t=' once, and 'v1=' with 64 hexadecimal digits)",
    read: (headers) => {
      const value = field(headers, 'stripe-signature');
      if (!value) return MISSING;
      const pairs = value.split(',').map((pair) => pair.trim().split('='));
      const times = pairs.filter(([name]) => name === 't').map(([, time]) => time ?? '');
      const [time = ''] = times;
      const given = pairs.filter(([name]) => name === 'v1').map(([, hex]) => hexBytes(hex ?? ''));
      // Two times are two readings of what was signed.
      if (times.length !== 1 || !TIMESTAMP.test(time) || given.length > MOST_SIGNATURES)
        return MALFORMED;
      const signatures = given.filter((bytes) => bytes !== undefined).map(hmac);
      return { timestamp: Number(time), signatures, prefix: `${time}.` };
    },
  },
  slack: {
    name: 'slack',
    isTimed: true,
    expects:
      "x-slack-signature ('v0=' and 64 hexadecimal digits) and x-slack-request-timestamp (epoch seconds)",
    read: (headers) => {
      const value = field(headers, 'x-slack-signature');
      const time = field(headers, 'x-slack-request-timestamp');
      if (!value || !time) return MISSING;
      const bytes = value.startsWith('v0=') ? hexBytes(value.slice(3)) : undefined;
      if (bytes === undefined || !TIMESTAMP.test(time)) return MALFORMED;
      return { timestamp: Number(time), signatures: [hmac(bytes)], prefix: `v0:${time}:` };
    },
  },
  shopify: {
    name: 'shopify',
    isTimed: false,
    expects: 'x-shopify-hmac-sha256 (32 bytes in base64)',
    read: (headers) => {
      const value = field(headers, 'x-shopify-hmac-sha256');
      if (!value) return MISSING;
      const bytes = decodeBase64(value);
      return bytes?.length === 32 ? { signatures: [hmac(bytes)], prefix: '' } : MALFORMED;
    },
  },
};

/** The senders whose scheme is known by name. */
export type WebhookSender = 'standard' | 'svix' | 'github' | 'stripe' | 'slack' | 'shopify';

/** Reads the option `scheme` of a factory. */
export function webhookScheme(where: string, scheme: unknown): WebhookScheme {
  if (typeof scheme === 'string' && Object.hasOwn(SCHEMES, scheme)) {
    // Just found.
    return SCHEMES[scheme] as WebhookScheme;
  }
  const { type, read, name } = (isObject(scheme) ? scheme : {}) as Partial<
    PlainWebhookScheme & WebhookScheme
  >;
  if (type === 'sha256' || type === 'canonical-json')
    return plain(where, scheme as PlainWebhookScheme);
  assertConfiguration(
    typeof read === 'function' && typeof name === 'string',
    `${where}: scheme must be one of ${Object.keys(SCHEMES).join(', ')}, or { type: 'sha256' | 'canonical-json', signatureHeader, timestampHeader }, or { name, isTimed, read }.`,
  );
  return scheme as WebhookScheme;
}

const utf8 = new TextEncoder();
const isFieldName = (name: unknown): boolean => typeof name === 'string' && FIELD_NAME.test(name);
const FIELD_NAME = /^[a-z0-9-]{1,64}$/i;

function plain(
  where: string,
  { type, signatureHeader, timestampHeader }: PlainWebhookScheme,
): WebhookScheme {
  assertConfiguration(
    isFieldName(signatureHeader) && (timestampHeader === false || isFieldName(timestampHeader)),
    `${where}: the scheme ${type} needs signatureHeader, and timestampHeader or false.`,
  );
  return {
    name: type,
    isTimed: timestampHeader !== false,
    expects: [
      `${signatureHeader} ('sha256=' and 64 hexadecimal digits, or base64)`,
      ...(timestampHeader === false ? [] : [`${timestampHeader} (epoch seconds)`]),
      ...(type === 'canonical-json' ? ['a body of JSON without repeated members'] : []),
    ].join(', '),
    read: (headers, body) => {
      const value = field(headers, signatureHeader);
      const time = timestampHeader === false ? undefined : field(headers, timestampHeader);
      if (!value || (timestampHeader !== false && !time)) return MISSING;
      const bytes = value.startsWith('sha256=') ? hexBytes(value.slice(7)) : decodeBase64(value);
      if (bytes === undefined || (time !== undefined && !TIMESTAMP.test(time))) return MALFORMED;
      const isEd25519 = bytes.length === 64 && type === 'canonical-json';
      if (bytes.length !== 32 && !isEd25519) return MALFORMED;
      const timed =
        time === undefined ? { prefix: '' } : { timestamp: Number(time), prefix: `${time}.` };
      const signatures: PresentedWebhookSignature[] = [
        { algorithm: isEd25519 ? 'ed25519' : 'hmac-sha256', bytes },
      ];
      if (type === 'sha256') return { ...timed, signatures };
      const parsed = parseStrictJson(body);
      const text = parsed === undefined ? undefined : canonicalJson(parsed);
      return text === undefined ? MALFORMED : { ...timed, signatures, content: utf8.encode(text) };
    },
  };
}
