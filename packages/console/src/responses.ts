import { parseStrictObject, readBytes } from '@apisec/core/host';

/** Data for the page. */
export function json(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { 'content-type': 'application/json' },
  });
}

/** An answer that says what is wrong; a new one for each call, since a body can be read once. */
export function problem(status: number, code: string, detail: string): () => Response {
  const body = JSON.stringify({ title: detail, status, code, detail });
  return () =>
    new Response(body, { status, headers: { 'content-type': 'application/problem+json' } });
}

/**
 * What every answer of the console says. Scripts, styles and data come from the console's own paths, not from others of
 * its origin, where an API may serve what users have uploaded. Trusted Types without a policy: markup in text cannot
 * become elements, whatever the page's code does.
 */
export function pageHeaders(root: string): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    `script-src ${root}/console.js`,
    `style-src ${root}/console.css`,
    `img-src ${root}/icon.svg`,
    `connect-src ${root}/`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ];
  return Object.freeze({
    'content-security-policy': policy.join('; '),
    'cache-control': 'no-store',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  });
}

const MOST_BODY_BYTES = 16_384;
const JSON_TYPE = /^application\/json(?:;|$)/i;

/** The object in a body; undefined where there is none, or it is not sent as JSON. */
export async function readObject(
  request: Request,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  // No form can send this type.
  if (!JSON_TYPE.test(request.headers.get('content-type') ?? '') || request.body === null) {
    return undefined;
  }
  const bytes = await readBytes(request.body, MOST_BODY_BYTES);
  return bytes && parseStrictObject(bytes);
}
