import { decodeBase64url, parseStrictObject } from '@apisec/core/host';

/**
 * The refresh token of an answer that was denied: it is valid all the same. None where the ID token beside it names
 * another user than `subject`.
 */
export async function unusedRefreshToken(
  response: Response,
  subject?: string,
): Promise<string | undefined> {
  if (response.status !== 200) return undefined;
  const answer = parseStrictObject(new Uint8Array(await response.arrayBuffer()));
  const { refresh_token: token, id_token: idToken } = answer ?? {};
  if (typeof token !== 'string' || token === '') return undefined;
  const isTheirs = subject === undefined || idToken === undefined || subjectOf(idToken) === subject;
  return isTheirs ? token : undefined;
}

/** What an unverified ID token says: it can show that the user is another one, and nothing else. */
function subjectOf(idToken: unknown): unknown {
  const [, payload] = typeof idToken === 'string' ? idToken.split('.') : [];
  const bytes = payload === undefined ? undefined : decodeBase64url(payload);
  return bytes && parseStrictObject(bytes)?.['sub'];
}
