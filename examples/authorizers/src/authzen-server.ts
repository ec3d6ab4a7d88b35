import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Authorizer, AuthorizerQuestion, AuthorizerSearch } from '@apisec/core';

const MAX_BYTES = 100_000;
const BASE = '/access/v1';

/**
 * A decision point for many APIs, as AuthZEN 1.0 says: evaluation, evaluations, resource search, metadata. It knows its
 * callers by a key, since whoever may ask learns who may do what. `origin` is where they reach it: what a caller writes
 * into `Host` is not asked.
 */
export function authzenServer(authorizer: Authorizer, key: string, origin: string): Server {
  const expected = Buffer.from(`Bearer ${key}`);
  const answers: Readonly<Record<string, (body: never) => Promise<object> | object>> = {
    [`${BASE}/evaluation`]: (question: AuthorizerQuestion) => authorizer.evaluate(question),
    [`${BASE}/evaluations`]: async ({ evaluations }: { evaluations: AuthorizerQuestion[] }) => ({
      evaluations: await Promise.all(
        evaluations.map(async (question) => authorizer.evaluate(question)),
      ),
    }),
    [`${BASE}/search/resource`]: async (search: AuthorizerSearch) => {
      const ids = await authorizer.searchResources?.(search);
      return { results: ids?.map((id) => ({ type: search.resource.type, id })) };
    },
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const send = (status: number, body: object): void => {
      // Of a body that was not read to its end the connection cannot be used again.
      const rest = status === 413 ? { connection: 'close' } : {};
      response.writeHead(status, { 'content-type': 'application/json', ...rest });
      response.end(JSON.stringify(body));
    };
    try {
      const { method, url = '', headers } = request;
      if (url === '/.well-known/authzen-configuration') {
        return send(200, {
          policy_decision_point: origin,
          access_evaluation_endpoint: `${origin}${BASE}/evaluation`,
          access_evaluations_endpoint: `${origin}${BASE}/evaluations`,
          search_resource_endpoint: `${origin}${BASE}/search/resource`,
        });
      }
      const given = Buffer.from(headers.authorization ?? '');
      if (given.length !== expected.length || !timingSafeEqual(given, expected))
        return send(401, {});
      const answer = Object.hasOwn(answers, url) ? answers[url] : undefined;
      if (method !== 'POST' || answer === undefined) return send(404, {});
      let text = '';
      for await (const chunk of request.setEncoding('utf8')) {
        text += chunk;
        if (text.length > MAX_BYTES) return send(413, {});
      }
      return send(200, await answer(JSON.parse(text) as never));
    } catch {
      // Also where the question is not one: an answer would be a guess.
      return send(500, {});
    }
  };
  return createServer((request, response) => void handle(request, response));
}
