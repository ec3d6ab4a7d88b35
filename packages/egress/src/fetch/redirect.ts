import { egressError, upstreamError } from './egress-error.ts';
import type { RequestParts } from './request-parts.ts';

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export function isRedirect(status: number): boolean {
  return REDIRECTS.has(status);
}

/** What any origin may see. All other headers may be credentials, whatever they are called. */
const FOR_EVERYBODY: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'content-language',
  'content-type',
  'if-modified-since',
  'if-none-match',
  'range',
  'user-agent',
]);

/** The options that rule what a redirect may do. */
export interface RedirectRules {
  readonly crossOriginHeaders: ReadonlySet<string>;
  readonly allowDowngrade: boolean;
}

/**
 * The request that follows a redirect (Fetch §4.4), or an error. Of a request to another origin nothing is left that
 * could be a credential, and it stays so when it comes back.
 */
export function followed(
  parts: RequestParts,
  status: number,
  from: URL,
  to: URL,
  { crossOriginHeaders, allowDowngrade }: RedirectRules,
): RequestParts {
  if (from.protocol === 'https:' && to.protocol !== 'https:' && !allowDowngrade) {
    throw egressError(
      'forbidden',
      'egress.redirect_downgrade',
      'A redirect leads from https to http.',
    );
  }
  let { method, body, headers } = parts;
  const becomesGet =
    ((status === 301 || status === 302) && method === 'POST') ||
    (status === 303 && method !== 'GET' && method !== 'HEAD');
  if (becomesGet) {
    method = 'GET';
    body = undefined;
    headers = headers.filter(([name]) => !name.startsWith('content-'));
  }
  const crosses = from.origin !== to.origin;
  if (body !== undefined && (crosses || body instanceof ReadableStream)) {
    throw upstreamError(
      'egress.redirect_body',
      'A redirect asks to send the body again, to another origin or after it was read.',
    );
  }
  if (crosses) {
    headers = headers.filter(([name]) => FOR_EVERYBODY.has(name) || crossOriginHeaders.has(name));
  }
  return { ...parts, method, body, headers };
}
