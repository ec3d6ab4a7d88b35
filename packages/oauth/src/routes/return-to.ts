/** A longer one would not fit into the cookie that keeps it. */
export const MOST_RETURN_CHARACTERS = 1_500;

/** Where a login may lead on to. */
export interface ReturnRules {
  readonly origin: string;
  readonly allowedOrigins: ReadonlySet<string>;
  /** Paths on this site that are the routes of the login: they would restart it, or end what it began. */
  readonly ownPaths: ReadonlySet<string>;
}

/**
 * The page to return to after a login, as an absolute URL on this site or on one of the listed origins; undefined for
 * everything else. Answered absolute, and read by the parser that browsers use, so that no spelling of a path can be
 * taken for another host: `//evil`, `/\evil`, a tab between slashes, `/.//evil`. Looked at as servers decode it, too,
 * so that none of them takes it for another page: `/%61uth/login`, `/%2fevil`.
 */
export function returnTarget(
  value: string,
  { origin, allowedOrigins, ownPaths }: ReturnRules,
): string | undefined {
  if (value.length > MOST_RETURN_CHARACTERS || !/^[!-~]+$/.test(value) || value.includes('\\')) {
    return undefined;
  }
  const isPath = value.startsWith('/');
  if (isPath ? !URL.canParse(value, origin) : !/^https?:\/\/[^/]/.test(value)) return undefined;
  if (!isPath && !URL.canParse(value)) return undefined;
  const url = isPath ? new URL(value, origin) : new URL(value);
  const isHere = url.origin === origin;
  if (!isHere && (isPath || !allowedOrigins.has(url.origin))) return undefined;
  if (url.username !== '' || url.password !== '') return undefined;
  const path = asServed(url.pathname);
  if (path.startsWith('//') || /\p{Cc}/u.test(path)) return undefined;
  const isOwn = isHere && ownPaths.has(path.replace(/\/+/g, '/').replace(/\/$/, ''));
  return isOwn ? undefined : url.href;
}

/**
 * A path as the most careless server has it: without any escape of ASCII, however often it was escaped, with slashes
 * alone, without dot segments and parameters behind a semicolon, in lower case.
 */
function asServed(path: string): string {
  let before: string;
  let after = path;
  do {
    before = after;
    after = before.replace(/%[0-7][\da-f]/gi, (each) =>
      String.fromCharCode(Number.parseInt(each.slice(1), 16)),
    );
  } while (after !== before);
  const parts: string[] = [];
  for (const part of after.slice(1).toLowerCase().split(/[/\\]/)) {
    const name = part.replace(/;.*/s, '');
    if (name === '..') parts.pop();
    else if (name !== '.') parts.push(name);
  }
  return `/${parts.join('/')}`;
}
