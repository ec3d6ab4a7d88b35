import { classifyAddress } from '@apisec/core';
import { parseUrl } from '@apisec/core/host';
import { UsageError } from './command.ts';

/** The address of an operation; undefined for text that is not one, or that has a user name in it. */
export function httpUrl(text: string | undefined): URL | undefined {
  const url = text === undefined ? undefined : parseUrl(text);
  return url !== undefined && /^https?:$/.test(url.protocol) && url.username === ''
    ? url
    : undefined;
}

/** A host as connections want it: an address of IPv6 has brackets in URLs alone. */
export function bareHost(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

/** NAT64 forms (RFC 6052) like `64:ff9b::7f00:1` are not among them: they go through the translator. */
const OWN_FORMS = /^(?:127\.|::1$|::ffff:(?:127\.|7f[\da-f]{2}:))/i;

/** By the text alone: where a name leads is up to its DNS server. */
export function isLoopback(host: string): boolean {
  const address = bareHost(host);
  if (address === 'localhost') return true;
  return classifyAddress(address).kind === 'loopback' && OWN_FORMS.test(address);
}

/**
 * What is sent in a header.
 *
 * @throws UsageError without the value, which may be secret, for characters that no header can have.
 */
export function headerValue<Value extends string | undefined>(name: string, value: Value): Value {
  if (value !== undefined && !/^[!-~]([ -~]*[!-~])?$/.test(value)) {
    throw new UsageError(`${name} has characters that no header can have.`);
  }
  return value;
}
