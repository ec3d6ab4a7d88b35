import { createApp } from './app.ts';

/** What the runtime is configured with. */
export interface Env {
  readonly ISSUER: string;
  readonly AUDIENCE: string;
}

let app: ReturnType<typeof createApp> | undefined;

/** The entry point of Cloudflare Workers and of every runtime that serves `{ fetch }`. */
export default {
  fetch: (request: Request, env: Env): Response | Promise<Response> => {
    // Made at the first call, since an edge runtime tells its configuration only then.
    app ??= createApp({ issuer: env.ISSUER, audience: env.AUDIENCE });
    return app.fetch(request, env);
  },
};
