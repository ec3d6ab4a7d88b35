import type { Address } from '../lib/addresses.ts';
import {
  type AddressClass,
  addressClassifier,
  type ClassifyAddressOptions,
} from './address-classifier.ts';

export type { AddressClass, AddressKind, ClassifyAddressOptions } from './address-classifier.ts';

/**
 * Says whether an IP address may be the target of a call to the internet, and if not, why. Strict: what is not an
 * address in one of the two standard notations (no octal, hexadecimal or short forms, no zone, no brackets, no port)
 * is `invalid`, and nothing but `public` is public.
 *
 * Complete after the IANA special-purpose registries (RFC 6890); besides, these are not public: multicast, the old
 * site-local range, all IPv6 outside of 2000::/3, and the metadata services of clouds, also those on public addresses.
 * An IPv6 address that carries an IPv4 one is never better than that: mapped, compatible (RFC 4291), translated
 * (RFC 2765), NAT64 (RFC 6052, 8215), 6to4 (RFC 3056), Teredo (RFC 4380) and ISATAP (RFC 5214). Of these only mapped,
 * well-known NAT64 and ISATAP addresses can be public; the others are tunnels that no public service needs.
 *
 * @throws ConfigurationError for a NAT64 prefix that is not one.
 * @example
 * classifyAddress('169.254.169.254').kind; // 'metadata'
 * classifyAddress('64:ff9b::7f00:1').kind; // 'loopback'
 * classifyAddress('2606:4700::1111').isPublic; // true
 */
export function classifyAddress(
  address: string | Address,
  options: ClassifyAddressOptions = {},
): AddressClass {
  return addressClassifier(options)(address);
}
