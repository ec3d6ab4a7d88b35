/** An access token, and when it ends in epoch milliseconds. Without that it is kept until a server denies it. */
export interface ClientToken {
  readonly token: string;
  readonly expiresAt?: number | undefined;
}

/** One token for all calls, asked for once at a time. */
export interface TokenCache {
  readonly get: () => string | Promise<string>;
  /** Forgets a token that a server denied. Others that came meanwhile stay. */
  readonly forget: (token: string) => void;
}

const SENDABLE = /^[\w.~+/=-]{1,16384}$/;

/**
 * Keeps a token until shortly before its end. While it can still be used, a source that fails does no harm.
 *
 * @param marginMs how long before its end a token is replaced.
 */
export function tokenCache(
  source: (deniedToken?: string) => Promise<ClientToken>,
  marginMs: number,
  now: () => number,
): TokenCache {
  let current: ClientToken | undefined;
  let asking: Promise<string> | undefined;
  let denied: string | undefined;
  const lasts = (token: ClientToken, ms: number): boolean =>
    token.expiresAt === undefined || token.expiresAt - now() > ms;

  const ask = async (): Promise<string> => {
    try {
      const { token, expiresAt } = await source(denied);
      if (typeof token !== 'string' || !SENDABLE.test(token))
        throw new TypeError('The source of tokens gave something that is not a token.');
      current = { token, expiresAt };
      denied = undefined;
      return token;
    } catch (cause) {
      if (current !== undefined && lasts(current, 0)) return current.token;
      throw cause;
    } finally {
      asking = undefined;
    }
  };

  return {
    get: () =>
      current !== undefined && lasts(current, marginMs) ? current.token : (asking ??= ask()),
    forget: (token) => {
      if (current?.token !== token) return;
      current = undefined;
      denied = token;
    },
  };
}
