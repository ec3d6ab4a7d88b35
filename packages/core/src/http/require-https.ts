import { fault } from '../engine/denial.ts';
import type { CallFacts, TransportFacts } from '../engine/facts.ts';
import { deny, type NoFacts, pass, sharedDenial } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import { pathOf, queryOf } from '../engine/request.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { hasHostName, normalizeOrigin } from './origin.ts';

/** Options of {@link requireHttps}. */
export interface RequireHttpsOptions {
  /**
   * The public origin of the API, like `https://api.example.com`: GET and HEAD are sent there (308) with their path and
   * query. Calls with credentials are denied nevertheless, so that their developer sees that they went over the wire in
   * clear. Default: every plain call is denied.
   */
  readonly redirectTo?: string | undefined;
}

const NAME = 'requireHttps';
const CREDENTIALS = ['authorization', 'proxy-authorization', 'dpop', 'x-api-key'];

const required = sharedDenial({
  kind: 'forbidden',
  code: 'https.required',
  detail: 'Call this API over https.',
  cause: {
    reason:
      'the connection is not encrypted; of a proxy of yours say trustProxies({ …, proto: true })',
  },
});
const unknown = sharedDenial(
  fault(
    'https.unknown',
    new Error(
      `${NAME}: the host does not know whether calls come over TLS. Behind a proxy write ` +
        'trustProxies({ …, proto: true }); with protect() and Hono use the option `transport`.',
    ),
  ),
);

/**
 * Denies calls that did not come over TLS, or sends them to the https origin that you name. What counts is the
 * connection, and behind proxies only what those say that you trust (`trustProxies({ proto: true })`): a caller's own
 * `X-Forwarded-Proto` changes nothing. `Host` is not looked at.
 *
 * Denials: `https.required` (403, or 308 with `Location`), `https.unknown` (500) where the host does not know how
 * the call came; `onFault` is then told what to write.
 *
 * @throws ConfigurationError when `redirectTo` is not an https origin.
 * @example
 * requireHttps({ redirectTo: 'https://api.example.com' })
 */
export function requireHttps(
  options: RequireHttpsOptions = {},
): SyncPolicy<CallFacts & TransportFacts, NoFacts, 'check'> {
  assertKnownOptions(NAME, options, ['redirectTo']);
  const { redirectTo } = options;
  const origin = redirectTo === undefined ? undefined : readOrigin(redirectTo);
  return definePolicy({
    name: NAME,
    role: 'check',
    needs: ['transport'],
    adds: [],
    check: (request, { transport }) => {
      const encrypted = transport?.encrypted;
      if (encrypted === true) return pass();
      if (encrypted === undefined) return unknown;
      const { method, headers } = request;
      if (origin === undefined || (method !== 'GET' && method !== 'HEAD')) return required;
      if (headers.has('upgrade') || CREDENTIALS.some((name) => headers.has(name))) return required;
      const location = `${origin}${pathOf(request)}${queryOf(request)}`;
      // What cannot stand in a header field as it is was not written by an honest client.
      if (!/^[!-~]+$/.test(location)) return required;
      return deny('forbidden', 'https.required', { answer: { status: 308, location } });
    },
  });
}

function readOrigin(value: unknown): string {
  const origin = normalizeOrigin(value);
  assertConfiguration(
    origin?.startsWith('https://') === true && hasHostName(origin),
    `${NAME}: redirectTo: ${JSON.stringify(value)} is not an https origin. Write https://host[:port] without a path.`,
  );
  return origin;
}
