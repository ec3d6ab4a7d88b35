import { isJson } from '@apisec/core/host';
import type { OperationOptions } from '@apisec/graphql';
import type { GraphQLSchema } from 'graphql';
import { createClient } from 'graphql-ws';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { httpServers, serveSockets } from './hostile-servers.ts';

export interface Answer {
  /** Nothing where the transport has none. */
  readonly status: number | undefined;
  readonly headers: Headers;
  readonly text: string;
  readonly body: any;
  readonly reason: string | undefined;
}

/** Sends one operation as `token`. */
export type Send = (token: string | undefined, query: string) => Promise<Answer>;

/** Starts one server for the length of a test. Throws what it does not start with. */
export type Start = (options: OperationOptions<any>, schema: GraphQLSchema) => Promise<Send>;

function answerOf(status: number | undefined, headers: Headers, body: any, text: string): Answer {
  return { status, headers, text, body, reason: body?.errors?.[0]?.extensions?.reason };
}

/** Each server that speaks HTTP, and graphql-ws, on real sockets: what holds for one of them holds for all. */
export const liveServers: readonly (readonly [string, Start])[] = [
  ...httpServers.map(
    ([name, serve]) =>
      [
        name,
        async (options, schema) => {
          const { url, close } = await serve(options, schema);
          onTestFinished(() => void close());
          const isStream = name === 'graphql-sse';
          return async (token, query) => {
            const response = await fetch(url, {
              method: 'POST',
              headers: {
                'content-type': 'application/json',
                accept: isStream ? 'text/event-stream' : 'application/json',
                ...(token !== undefined && { authorization: `Bearer ${token}` }),
              },
              body: JSON.stringify({ query }),
            });
            const text = await response.text();
            const [, event] = /^data: (\{.*)$/m.exec(text) ?? [];
            const { status, headers } = response;
            return answerOf(
              status,
              headers,
              event || isJson(headers) ? JSON.parse(event ?? text) : {},
              text,
            );
          };
        },
      ] as const satisfies readonly [string, Start],
  ),
  [
    'graphql-ws',
    async (options, schema) => {
      const { url, close } = await serveSockets(options, schema);
      onTestFinished(() => void close());
      return async (token, query) => {
        const connectionParams = token === undefined ? {} : { authorization: `Bearer ${token}` };
        const webSocketImpl = WebSocket;
        const client = createClient({ url, webSocketImpl, retryAttempts: 0, connectionParams });
        const body = await new Promise<any>((resolve) => {
          let first: unknown;
          client.subscribe(
            { query },
            {
              next: (value) => (first ??= value),
              // Errors in the place of a result, or the code with which a stranger is disconnected.
              error: (cause) =>
                resolve({ errors: Array.isArray(cause) ? cause : [{ message: 'closed' }] }),
              complete: () => resolve(first),
            },
          );
        });
        await client.dispose();
        return answerOf(undefined, new Headers(), body, JSON.stringify(body));
      };
    },
  ],
];
