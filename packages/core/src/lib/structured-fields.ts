/** A value of RFC 9651 §3.3. A date is in whole seconds since 1970. */
export type BareItem =
  | { readonly type: 'integer' | 'decimal' | 'date'; readonly value: number }
  | { readonly type: 'string' | 'token' | 'display'; readonly value: string }
  | { readonly type: 'bytes'; readonly value: Uint8Array }
  | { readonly type: 'boolean'; readonly value: boolean };

/** In the order in which they stand in the field. */
export type Parameters = ReadonlyMap<string, BareItem>;

export interface Item {
  readonly bare: BareItem;
  readonly params: Parameters;
}

export interface InnerList {
  readonly items: readonly Item[];
  readonly params: Parameters;
}

export type Member = Item | InnerList;
export type List = readonly Member[];
export type Dictionary = ReadonlyMap<string, Member>;

/*
 * Serialising (RFC 9651 §4.1). Each function answers undefined for what cannot be written: a field is
 * left out or denied whole, never sent bent.
 */

/** A list; empty for the empty one, of which no field is sent at all. */
export function serializeList(list: List): string | undefined {
  return joined(
    list.map((member) => serializeMember(member)),
    ', ',
  );
}

/** A dictionary; empty for the empty one, of which no field is sent at all. */
export function serializeDictionary(dictionary: Dictionary): string | undefined {
  const members = [...dictionary].map(([key, member]) => {
    if (!isKey(key)) return undefined;
    const isTrue = 'bare' in member && member.bare.type === 'boolean' && member.bare.value;
    const value = isTrue ? serializeParams(member.params) : serializeMember(member);
    return value === undefined ? undefined : `${key}${isTrue ? '' : '='}${value}`;
  });
  return joined(members, ', ');
}

/** An item or an inner list, with its parameters. */
export function serializeMember(member: Member): string | undefined {
  const params = serializeParams(member.params);
  const value = 'bare' in member ? serializeBareItem(member.bare) : serializeItems(member.items);
  return params === undefined || value === undefined ? undefined : value + params;
}

/** A value alone. */
export function serializeBareItem(item: BareItem): string | undefined {
  switch (item.type) {
    case 'integer':
      return serializeInteger(item.value);
    case 'decimal':
      return serializeDecimal(item.value);
    case 'date': {
      const seconds = serializeInteger(item.value);
      return seconds && `@${seconds}`;
    }
    case 'string':
      return serializeString(item.value);
    case 'token':
      return isToken(item.value) ? item.value : undefined;
    case 'display':
      return serializeDisplay(item.value);
    case 'bytes':
      return serializeBytes(item.value);
    case 'boolean':
      return item.value ? '?1' : '?0';
  }
}

/** A string (§4.1.6): printable ASCII, quoted and escaped. */
export function serializeString(text: string): string | undefined {
  return /^[\x20-\x7e]*$/.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : undefined;
}

/** A byte sequence (§4.1.8): base64 between colons. */
export function serializeBytes(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return `:${btoa(binary)}:`;
}

function serializeItems(items: readonly Item[]): string | undefined {
  const inner = joined(
    items.map((item) => serializeMember(item)),
    ' ',
  );
  return inner === undefined ? undefined : `(${inner})`;
}

function serializeParams(params: Parameters): string | undefined {
  const all = [...params].map(([key, item]) => {
    if (!isKey(key)) return undefined;
    if (item.type === 'boolean' && item.value) return `;${key}`;
    const value = serializeBareItem(item);
    return value === undefined ? undefined : `;${key}=${value}`;
  });
  return joined(all, '');
}

function serializeInteger(value: number): string | undefined {
  // Adding 0 turns -0 into 0.
  return Number.isInteger(value) && Math.abs(value) < 1e15 ? String(value + 0) : undefined;
}

/** §4.1.5: three digits after the point at most, halves rounded to even, twelve digits before it. */
function serializeDecimal(value: number): string | undefined {
  const scaled = Math.abs(value) * 1000;
  const below = Math.floor(scaled);
  const half = scaled - below === 0.5;
  const thousandths = half ? below + (below % 2) : Math.round(scaled);
  if (!(thousandths < 1e15)) return undefined;
  const digits = String(thousandths).padStart(4, '0');
  const fraction = digits.slice(-3).replace(/0{1,2}$/, '');
  const sign = value < 0 && thousandths > 0 ? '-' : '';
  return `${sign}${digits.slice(0, -3)}.${fraction}`;
}

/** §4.1.11. */
function serializeDisplay(text: string): string | undefined {
  const bytes = new TextEncoder().encode(text);
  // A lone surrogate does not come back as it was.
  if (new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes) !== text) return undefined;
  let escaped = '';
  for (const byte of bytes) {
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x22 && byte !== 0x25;
    escaped += plain ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, '0')}`;
  }
  return `%"${escaped}"`;
}

function isKey(key: string): boolean {
  return /^[a-z*][a-z0-9_.*-]*$/.test(key);
}

function isToken(token: string): boolean {
  return /^[A-Za-z*][!#$%&'*+.^_`|~:/0-9A-Za-z-]*$/.test(token);
}

function joined(parts: readonly (string | undefined)[], separator: string): string | undefined {
  return parts.includes(undefined) ? undefined : parts.join(separator);
}
