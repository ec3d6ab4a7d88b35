import type { Denial } from '@apisec/core';
import { denialResponse, readBytes, report } from '@apisec/core/host';
import type { OAuthDenied } from '../client/failures.ts';

const MOST_BODY_BYTES = 32_768;

/** How the routes of a login answer, with what nobody may keep. */
export interface Answers {
  readonly failed: (denied: { readonly denial: Denial }) => Response;
  /** Answers a browser whose login failed; `clear` is the cookie that removes its transaction. */
  readonly page: (denied: OAuthDenied, request: Request, clear?: string) => Response;
}

export function answersOf(
  failurePage: ((denial: Denial, request: Request) => Response) | undefined,
  onFault: ((cause: unknown) => void) | undefined,
): Answers {
  const failed: Answers['failed'] = ({ denial }) => {
    if (denial.cause !== undefined) report(onFault, denial.cause);
    return withNoStore(denialResponse(denial));
  };
  return {
    failed,
    page: ({ denial }, request, clear) => {
      const plain = failed({ denial });
      const shown = failurePage === undefined ? plain : failurePage(denial, request);
      const response = withNoStore(new Response(shown.body, shown));
      if (clear !== undefined) response.headers.append('set-cookie', clear);
      return response;
    },
  };
}

/** No cache may keep a response that sets a cookie, or is about a user. */
export function privately(headers: Readonly<Record<string, string>>): Headers {
  return new Headers({ ...headers, 'cache-control': 'no-store' });
}

function withNoStore(response: Response): Response {
  response.headers.set('cache-control', 'no-store');
  return response;
}

/** The form of a POST, within bounds; undefined for everything else. */
export async function formOf(request: Request): Promise<URLSearchParams | undefined> {
  const type = request.headers.get('content-type') ?? '';
  if (!/^application\/x-www-form-urlencoded *(;|$)/i.test(type)) return undefined;
  if (request.body === null) return undefined;
  const bytes = await readBytes(request.body, MOST_BODY_BYTES);
  return bytes && new URLSearchParams(new TextDecoder().decode(bytes));
}

/**
 * Leads on from a login: a page and not a redirect, since one that began at the issuer carries no `Strict` cookie.
 */
export function pageTo(url: string, cookies: readonly string[]): Response {
  const headers = privately({
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
  for (const cookie of cookies) headers.append('set-cookie', cookie);
  return new Response(onwards(url), { status: 200, headers });
}

function onwards(url: string): string {
  const escaped = url.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
  return (
    '<!doctype html><meta charset="utf-8"><title>Signed in</title>' +
    `<meta http-equiv="refresh" content="0;url=${escaped}">` +
    `<p>You are signed in. <a href="${escaped}">Continue</a>.</p>`
  );
}
