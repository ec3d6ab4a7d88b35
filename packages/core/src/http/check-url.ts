import { type CheckUrlOptions, type UrlCheck, urlRules } from './url-rules.ts';

export type { CheckedUrl, CheckUrlOptions, UrlCheck } from './url-rules.ts';

/**
 * Says whether a URL that somebody else gave may be called, and denies it if not (server-side request forgery). The
 * text is parsed once, as browsers do (WHATWG); go on with `url` of the answer, so that nobody reads it in another way.
 *
 * Denied are other schemes and ports, user names and passwords, controls, white space around the URL and backslashes,
 * hosts that no DNS name may look like, local names (`localhost`, `*.internal`, `*.svc`, `*.default`, a name without a
 * dot or below what cannot be a top-level domain, such as `dns.kube-system`), names of metadata services, and addresses
 * that are not public in whatever spelling, {@link classifyAddress}.
 *
 * **What this cannot stop:** a public name that resolves to a private address, a local name that looks like a public
 * one (a Kubernetes service in a namespace called `dev` is `orders.dev`), and a redirect. The addresses are known only
 * to whoever connects: on Node use `safeFetch` of `@apisec/egress`, which checks and pins them. Where the runtime does
 * not let you (edge), list `allowedHosts`, fetch with `redirect: 'manual'` and check each `Location`, and rely on the
 * platform's own rules for its internal networks.
 *
 * Denials: `egress.url_malformed` (400), `egress.url_credentials`, `egress.scheme_not_allowed`,
 * `egress.port_not_allowed`, `egress.host_not_allowed`, `egress.host_local`, `egress.address_not_allowed` (403).
 *
 * @throws ConfigurationError for an option that cannot be read.
 * @example
 * const checked = checkUrl('http://0x7f.1/admin');
 * if (!checked.ok) console.log(checked.denial.code); // egress.address_not_allowed
 */
export function checkUrl(input: string | URL, options: CheckUrlOptions = {}): UrlCheck {
  return urlRules('checkUrl', options).check(input);
}
