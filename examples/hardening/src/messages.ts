import {
  allowAuthenticated,
  allowedHosts,
  cors,
  definePolicy,
  deny,
  denyMethodOverride,
  factsOf,
  guard,
  pass,
  requireHttps,
  securityHeaders,
} from '@apisec/core';
import { answerPreflights, problems, secure } from '@apisec/express';
import { trustProxies } from '@apisec/node';
import express, { type Express, type RequestHandler } from 'express';
import { principalOf } from './principal-of.ts';

/** The API lies behind a proxy on this machine that ends TLS. */
const trust = trustProxies({
  proxies: ['127.0.0.1'],
  header: 'x-forwarded-for',
  proto: true,
  host: true,
});

/** The session is the cookie itself here; a real API would look it up. */
const session = definePolicy({
  name: 'session',
  role: 'check',
  adds: ['principal'],
  check: ({ headers }) => {
    const [, id] = /(?:^|; )session=(\w+)/.exec(headers.get('cookie') ?? '') ?? [];
    return id === undefined
      ? deny('unauthenticated', 'session.missing')
      : pass({ principal: principalOf(id, 'sessions') });
  },
});

const policy = guard()
  .use(securityHeaders({ crossOriginResourcePolicy: 'cross-origin' }))
  .use(requireHttps())
  .use(allowedHosts({ hosts: ['api.example.com'] }))
  .use(denyMethodOverride())
  .use(cors({ origins: ['https://app.example.com'], credentials: true }))
  .use(session)
  .use(allowAuthenticated());

/** What many an API still has of the day it was begun: any origin may read, with the cookies of the user. */
const reflectOrigin: RequestHandler = (request, response, next) => {
  response.setHeader('access-control-allow-origin', request.get('origin') ?? '*');
  response.setHeader('access-control-allow-credentials', 'true');
  next();
};

/** For clients that can only GET and POST. It stands behind the guards, which saw a POST. */
const overrideMethod: RequestHandler = (request, _response, next) => {
  request.method = request.get('x-http-method-override')?.toUpperCase() ?? request.method;
  next();
};

/** Direct messages of signed-in users. `open` is the same API without its policies. */
export function messagesApi({ open = false, onDelete = () => {} } = {}): Express {
  const app = express();
  const guarded: RequestHandler = open ? reflectOrigin : secure(policy, { trust });
  const host = (request: express.Request): string =>
    open ? (request.get('x-forwarded-host') ?? '') : factsOf(request, policy).host;

  app.get('/messages', guarded, (request, response) => {
    const [, user = ''] = /session=(\w+)/.exec(request.get('cookie') ?? '') ?? [];
    response.json(user === '' ? [] : [`A secret for ${user}`]);
  });
  app.get('/messages/:id', guarded, (request) => {
    throw new Error(
      `syntax error in SELECT text, password FROM messages: ${String(request.params['id'])}`,
    );
  });
  app.post('/invitations', guarded, (request, response) => {
    response.json({ mailed: `https://${host(request)}/join?token=s3cret` });
  });
  app.post('/messages', guarded, overrideMethod, (request, response) => {
    if (request.method === 'DELETE') onDelete();
    response.json({ method: request.method });
  });

  if (!open) {
    answerPreflights(app);
    const { notFound, onError } = problems({ trust, onFault: () => {} });
    app.use(notFound);
    app.use(onError);
  }
  return app;
}
