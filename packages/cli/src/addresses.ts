import { classifyAddress } from '@apisec/core';
import { parseUrl } from '@apisec/core/host';

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

/** By the text alone: what a name leads to is up to whoever answers for it. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || classifyAddress(bareHost(host)).kind === 'loopback';
}
