// The few members of Node's `Buffer` that tests use, for runtimes without one. Core itself is compiled without it.
type Coding = 'utf8' | 'base64url' | 'base64' | 'hex' | 'latin1';

const text = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
const bytesOf = (binary: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(binary, (char) => char.charCodeAt(0));

function decode(value: string, coding: Coding): Uint8Array<ArrayBuffer> {
  if (coding === 'hex')
    return Uint8Array.from(value.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  if (coding === 'latin1') return bytesOf(value);
  if (coding === 'utf8') return new TextEncoder().encode(value);
  return bytesOf(atob(value.replace(/-/g, '+').replace(/_/g, '/').replace(/=+$/, '')));
}

class PlainBuffer extends Uint8Array {
  static alloc(length: number, fill: number | string = 0): PlainBuffer {
    const bytes = new PlainBuffer(length);
    const pattern = typeof fill === 'number' ? [fill] : decode(fill, 'utf8');
    for (let at = 0; at < length; at++) bytes[at] = pattern[at % pattern.length] as number;
    return bytes;
  }

  static concat(parts: readonly Uint8Array[]): PlainBuffer {
    return new PlainBuffer(parts.flatMap((part) => [...part]));
  }

  static byteLength(value: string): number {
    return decode(value, 'utf8').length;
  }

  override toString(coding: Coding = 'utf8'): string {
    if (coding === 'utf8') return new TextDecoder().decode(this);
    if (coding === 'latin1') return text(this);
    if (coding === 'hex')
      return Array.from(this, (byte) => byte.toString(16).padStart(2, '0')).join('');
    const base64 = btoa(text(this));
    return coding === 'base64'
      ? base64
      : base64.replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
  }
}

// `from` of an array takes a mapping in this place, and Node's takes a coding.
Object.defineProperty(PlainBuffer, 'from', {
  value: (given: string | ArrayLike<number>, coding: Coding = 'utf8') =>
    new PlainBuffer(typeof given === 'string' ? decode(given, coding) : new Uint8Array(given)),
});

if (!('Buffer' in globalThis)) Reflect.set(globalThis, 'Buffer', PlainBuffer);
