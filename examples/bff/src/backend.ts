import type { Server } from 'node:http';
import { type Login, loginOf, type Surroundings } from './login.ts';

type Mount = (server: Server, login: Login) => void | Promise<void>;

/** The same login, mounted on each of these; what is not used is not loaded. */
const mounts: Readonly<Record<string, () => Promise<Mount>>> = {
  express: async () => (await import('./express.ts')).mountExpress,
  fastify: async () => (await import('./fastify.ts')).mountFastify,
  hono: async () => (await import('./hono.ts')).mountHono,
};

export const FRAMEWORKS: readonly string[] = Object.keys(mounts);

/** The backend of the page, on a server that listens already. */
export async function mountBackend(
  framework: string,
  server: Server,
  surroundings: Surroundings,
): Promise<void> {
  const load = Object.hasOwn(mounts, framework) ? mounts[framework] : undefined;
  if (load === undefined) throw new Error(`FRAMEWORK is one of ${FRAMEWORKS.join(', ')}.`);
  const mount = await load();
  await mount(server, loginOf(surroundings));
}
