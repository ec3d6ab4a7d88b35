/** All that a visitor can change; a shared link holds it. */
export interface PlaygroundState {
  /**
   * The body of a function that answers a guard or a table, with everything of `@apisec/core` and `issuer` in scope.
   */
  readonly policy: string;
  /** Claims of the token, as JSON, in place of the usual ones. */
  readonly claims: string;
  /** Who signs the token, or that none is sent. */
  readonly token: 'own' | 'forged' | 'none';
  readonly method: string;
  readonly path: string;
  /** One `name: value` a line. */
  readonly headers: string;
  /** How often the call is sent. */
  readonly calls: number;
}

export const MAX_CALLS = 20;
/** What a link may hold, in characters. */
const MAX_LINK = 16_384;

const honest = {
  claims: '{ "sub": "alice", "scope": "orders:read" }',
  token: 'own',
  method: 'GET',
  path: '/orders',
  headers: '',
  calls: 1,
} as const;

/** Policies to begin from. */
export const PRESETS: Readonly<Record<string, PlaygroundState>> = {
  'A token and a scope': {
    ...honest,
    policy: `return guard()
  .use(securityHeaders())
  .use(authenticateJwt(issuer.trust))
  .use(requireScopes('orders:read'));`,
  },
  'A token for another API': {
    ...honest,
    claims: '{ "aud": "https://other.test", "scope": "orders:read" }',
    policy: `return guard()
  .use(authenticateJwt(issuer.trust))
  .use(requireScopes('orders:read'));`,
  },
  'A limit for each caller': {
    ...honest,
    calls: 4,
    policy: `// One limit for all three protocols together.
return guard()
  .use(authenticateJwt(issuer.trust))
  .use(rateLimit({
    limit: tokenBucket({ capacity: 5, refillPerSecond: 1 }),
    by: ({ principal }) => principal.id,
  }))
  .use(requireScopes('orders:read'));`,
  },
  'A page of another site': {
    ...honest,
    method: 'POST',
    headers: 'origin: https://evil.test\nsec-fetch-site: cross-site',
    policy: `return guard()
  .use(crossOrigin())
  .use(authenticateJwt(issuer.trust))
  .use(requireScopes('orders:read'));`,
  },
  'A role, or a scope': {
    ...honest,
    claims: '{ "sub": "bob", "roles": ["support"] }',
    policy: `return guard()
  .use(authenticateJwt(issuer.trust))
  .use(anyOf(requireRole('support'), requireScopes('orders:read')));`,
  },
  'A table, and an operation that nobody listed': {
    ...honest,
    path: '/invoices',
    policy: `const orders = guard()
  .use(authenticateJwt(issuer.trust))
  .use(requireScopes('orders:read'));
return coverage({
  'GET /orders': orders,
  'Query.orders': orders,
  '/shop.v1.Orders/List': orders,
});`,
  },
  'No grant': {
    ...honest,
    policy: `// Checks alone admit nobody, so this cannot be mounted.
return guard().use(authenticateJwt(issuer.trust));`,
  },
};

/** The fragment of a link that leads back to `state`. */
export function fragmentOf(state: PlaygroundState): string {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** The state of a link; undefined where it is not one of ours. */
export function stateFrom(fragment: string): PlaygroundState | undefined {
  if (fragment === '' || fragment.length > MAX_LINK) return undefined;
  try {
    const text = atob(fragment.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return isState(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const TEXTS = ['policy', 'claims', 'method', 'path', 'headers'] as const;

export function isState(value: unknown): value is PlaygroundState {
  if (typeof value !== 'object' || value === null) return false;
  // What it holds is looked at member by member.
  const state = value as Record<string, unknown>;
  const { calls, token } = state;
  return (
    TEXTS.every((name) => typeof state[name] === 'string') &&
    (token === 'own' || token === 'forged' || token === 'none') &&
    Number.isInteger(calls) &&
    Number(calls) >= 1 &&
    Number(calls) <= MAX_CALLS
  );
}
