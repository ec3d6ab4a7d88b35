/** A longer one would not fit into the cookie that keeps it. */
const MOST_CHARACTERS = 1_500;

/**
 * The page to return to after a login, as an absolute URL on this site or on one of the listed origins; undefined for
 * everything else. Answered absolute, and read by the parser that browsers use, so that no spelling of a path can be
 * taken for another host: `//evil`, `/\evil`, a tab between slashes, `/.//evil`.
 */
export function returnTarget(
  value: string,
  origin: string,
  allowedOrigins: ReadonlySet<string>,
): string | undefined {
  if (value.length > MOST_CHARACTERS || !/^[!-~]+$/.test(value) || value.includes('\\')) {
    return undefined;
  }
  const isPath = value.startsWith('/');
  if (isPath ? !URL.canParse(value, origin) : !/^https?:\/\/[^/]/.test(value)) return undefined;
  if (!isPath && !URL.canParse(value)) return undefined;
  const url = isPath ? new URL(value, origin) : new URL(value);
  if (url.origin !== origin && !allowedOrigins.has(url.origin)) return undefined;
  if (isPath && url.origin !== origin) return undefined;
  if (url.username !== '' || url.password !== '' || url.pathname.startsWith('//')) return undefined;
  return url.href;
}
