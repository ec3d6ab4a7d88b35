/** The hosts, each with its variants in the order of the table. The first one is what others are compared with. */
export const PLAN = {
  express: ['bare', 'usual', 'apisec', 'apisec+onComplete', 'apisec+audit'],
  fastify: ['bare', 'usual', 'usual+cache', 'apisec', 'apisec+onComplete', 'apisec+audit'],
  hono: ['bare', 'usual', 'apisec', 'apisec+onComplete', 'apisec+audit'],
  apollo: ['bare', 'usual', 'apisec', 'apisec+onComplete', 'apisec+audit'],
  grpc: ['bare', 'usual', 'apisec', 'apisec+onComplete', 'apisec+audit'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type HostName = keyof typeof PLAN;
export type VariantName<Host extends HostName = HostName> = (typeof PLAN)[Host][number];

// The keys of the plan are its type.
export const HOSTS = Object.keys(PLAN) as readonly HostName[];

export function isHostName(name: string): name is HostName {
  return Object.hasOwn(PLAN, name);
}

/** What `usual` means on each host, for the reader of the table. */
export const USUAL: Readonly<Record<HostName, string>> = {
  express: 'helmet, cors, express-oauth2-jwt-bearer, express-rate-limit',
  fastify: '@fastify/helmet, cors, jwt (also with its cache), rate-limit',
  hono: 'secure-headers, cors, jwk, hono-rate-limiter',
  apollo: '@escape.tech/graphql-armor, which checks no tokens',
  grpc: 'an interceptor that does nothing',
};
