const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 95 bits: unguessable, and collisions do not happen. */
const ID_LENGTH = 16;
/** 190 bits. */
const SECRET_LENGTH = 32;
/** A CRC-32 in base62. */
const CHECKSUM_LENGTH = 6;

const PREFIX = '[a-z][a-z0-9]{1,15}';
const ENVIRONMENT = '[a-z][a-z0-9]{0,11}';
const TAIL = `([0-9A-Za-z]{${ID_LENGTH}})_([0-9A-Za-z]{${SECRET_LENGTH + CHECKSUM_LENGTH}})`;
const MAX_LENGTH = 16 + 12 + ID_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH + 3;
// Each part ends at the only underscore it can end at: nothing in it can backtrack.
const SHAPE = new RegExp(`^(${PREFIX})_(${ENVIRONMENT})_${TAIL}$`);

/** The parts of a key that are no secret. */
export interface ParsedApiKey {
  readonly prefix: string;
  readonly environment: string;
  readonly id: string;
}

export function isPrefix(value: unknown): value is string {
  return typeof value === 'string' && new RegExp(`^${PREFIX}$`).test(value);
}

export function isEnvironment(value: unknown): value is string {
  return typeof value === 'string' && new RegExp(`^${ENVIRONMENT}$`).test(value);
}

export function isId(value: unknown): value is string {
  return typeof value === 'string' && new RegExp(`^[0-9A-Za-z]{${ID_LENGTH}}$`).test(value);
}

/** The source of a regular expression without anchors, for engines of every kind (RE2 too). */
export function patternOf(prefix: string = PREFIX, environment: string = ENVIRONMENT): string {
  return `${prefix}_${environment}_${TAIL.replaceAll(/[()]/g, '')}`;
}

/** The parts of a well-formed key with the right checksum; undefined for everything else. */
export function parseKey(text: unknown): ParsedApiKey | undefined {
  if (typeof text !== 'string' || text.length > MAX_LENGTH) return undefined;
  const [, prefix = '', environment = '', id = ''] = SHAPE.exec(text) ?? [];
  const end = text.length - CHECKSUM_LENGTH;
  if (id === '' || checksum(text.slice(0, end)) !== text.slice(end)) return undefined;
  return { prefix, environment, id };
}

/** A new random id. */
export function randomId(): string {
  return random(ID_LENGTH);
}

/** The id of a key that was made by another product: always the same for what it is looked up by. */
export async function importedId(namespace: string, lookup: string): Promise<string> {
  const bytes = new TextEncoder().encode(`apisec imported key\n${namespace}\n${lookup}`);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  let text = '';
  for (let at = 0; at < ID_LENGTH; at++) {
    // Two bytes for each character, so that none is much likelier than another.
    text += ALPHABET[((digest[2 * at] ?? 0) * 256 + (digest[2 * at + 1] ?? 0)) % 62];
  }
  return text;
}

/** A key with a new random secret; the checksum covers all that stands before it. */
export function makeKey({ prefix, environment, id }: ParsedApiKey): string {
  const body = `${prefix}_${environment}_${id}_${random(SECRET_LENGTH)}`;
  return body + checksum(body);
}

/** Uniform over the alphabet: bytes that would favour its beginning are thrown away. */
function random(length: number): string {
  let text = '';
  const bytes = new Uint8Array(length * 2);
  while (text.length < length) {
    crypto.getRandomValues(bytes);
    for (const byte of bytes) {
      if (byte < 4 * ALPHABET.length && text.length < length) text += ALPHABET[byte % 62];
    }
  }
  return text;
}

const CRC_TABLE: Uint32Array = /* @__PURE__ */ Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  return value;
});

/** CRC-32 (ISO 3309) of ASCII text. It finds every wrong character and every swapped pair. */
function checksum(text: string): string {
  let crc = 0xffffffff;
  for (let index = 0; index < text.length; index++) {
    // A byte's index into a table of 256 is always there.
    crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ text.charCodeAt(index)) & 0xff] as number);
  }
  let rest = (crc ^ 0xffffffff) >>> 0;
  let digits = '';
  for (let place = 0; place < CHECKSUM_LENGTH; place++) {
    digits = `${ALPHABET[rest % 62]}${digits}`;
    rest = Math.floor(rest / 62);
  }
  return digits;
}
