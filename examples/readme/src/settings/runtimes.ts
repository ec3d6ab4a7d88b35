import type { Guard, HttpFacts } from '@apisec/core';

interface Env {
  readonly REGION: string;
}
interface ExecutionContext {
  readonly waitUntil: (work: Promise<unknown>) => void;
}
export declare const orders: Guard<HttpFacts, object, 'grant'>;
export declare const handle: (request: Request, facts: object, env: Env) => Response;
export type { Env, ExecutionContext };
