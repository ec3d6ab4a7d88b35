import {
  allowAnonymous,
  factsOf,
  guard,
  type HttpFacts,
  type RawBodyFacts,
  verifyWebhook,
} from '@apisec/core';
import { secure as secureExpress } from '@apisec/express';
import { secure as secureFastify } from '@apisec/fastify';
import { secure as secureHono } from '@apisec/hono';
import express, { type Express } from 'express';
import fastify, { type FastifyInstance } from 'fastify';
import { Hono } from 'hono';

/** What is done with a message; once for each id, since a message may come twice. */
export type OnEvent = (id: string, event: unknown) => void;

/** The answer to a sender that asks whether this endpoint wants its messages; undefined for any other message. */
function challengeOf(event: unknown): string | undefined {
  const { type, data } = event as { type?: unknown; data?: { challenge?: unknown } };
  return type === 'webhook.challenge' ? String(data?.challenge) : undefined;
}

/** One policy for all of them: who signs is who may. */
export function paymentsPolicy(secret: string) {
  return guard<HttpFacts & RawBodyFacts>()
    .use(verifyWebhook({ scheme: 'standard', keys: [{ id: 'current', secret }] }))
    .use(allowAnonymous());
}

export function expressReceiver(secret: string, onEvent: OnEvent): Express {
  const payments = paymentsPolicy(secret);
  const app = express();
  app.post('/hook', secureExpress(payments, { rawBody: true }), (request, response) => {
    const { webhook } = factsOf(request, payments);
    const challenge = challengeOf(webhook.event);
    if (challenge !== undefined) {
      response.json({ challenge });
      return;
    }
    onEvent(webhook.id ?? '', webhook.event);
    response.sendStatus(204);
  });
  return app;
}

export async function fastifyReceiver(secret: string, onEvent: OnEvent): Promise<FastifyInstance> {
  const payments = paymentsPolicy(secret);
  const app = fastify();
  await app.register(secureFastify(payments, { rawBody: true }));
  app.post('/hook', async (request, reply) => {
    const { webhook } = factsOf(request, payments);
    const challenge = challengeOf(webhook.event);
    if (challenge !== undefined) return { challenge };
    onEvent(webhook.id ?? '', webhook.event);
    return reply.code(204).send();
  });
  return app;
}

export function honoReceiver(secret: string, onEvent: OnEvent): Hono {
  const payments = paymentsPolicy(secret);
  const app = new Hono();
  app.post('/hook', secureHono(payments, { rawBody: true }), (context) => {
    const { webhook } = factsOf(context, payments);
    const challenge = challengeOf(webhook.event);
    if (challenge !== undefined) return context.json({ challenge });
    onEvent(webhook.id ?? '', webhook.event);
    return context.body(null, 204);
  });
  return app;
}
