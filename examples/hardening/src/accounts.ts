import {
  type ApiVersionUse,
  allowAnonymous,
  allowAuthenticated,
  apiVersion,
  assertCoverage,
  type CounterStore,
  coverageReport,
  definePolicy,
  deny,
  guard,
  openapiOperations,
  pass,
  throttleFailures,
} from '@apisec/core';
import { inventoryOf, secure } from '@apisec/express';
import express, { type Express, type RequestHandler } from 'express';
import { principalOf } from './principal-of.ts';

/** What is published, and all that there may be. */
const document = {
  openapi: '3.1.0',
  paths: {
    '/openapi.json': { get: {} },
    '/v1/accounts/{id}': { get: { deprecated: true } },
    '/v2/accounts/{id}': { get: {} },
    '/password-resets': { post: { security: [] } },
  },
  security: [{ partner: [] }],
};

/** The partner is named by its header here; a real API would verify a key. */
const partner = definePolicy({
  name: 'partner',
  role: 'check',
  adds: ['principal'],
  check: ({ headers }) => {
    const id = headers.get('x-partner');
    return id
      ? pass({ principal: principalOf(id, 'partners') })
      : deny('unauthenticated', 'partner.missing');
  },
});

export interface AccountsOptions {
  /** Failures of every host that serves the API: production and beta count together. */
  readonly failures: CounterStore;
  readonly onUse?: (use: ApiVersionUse) => void;
  readonly now?: () => number;
  /** A route that somebody needed for an afternoon. */
  readonly debug?: boolean;
  /** The same API without its policies. */
  readonly open?: boolean;
}

/** Accounts in two versions. Does not start where it serves what its document does not name, or the other way round. */
export function accountsApi({
  failures,
  onUse = () => {},
  now = Date.now,
  debug = false,
  open = false,
}: AccountsOptions): Express {
  const app = express();
  const partners = guard().use(partner);
  const accounts = partners
    .use(
      apiVersion({
        from: 'path',
        versions: {
          '1': { deprecatedAt: '2026-01-01', sunsetAt: '2026-07-01', successor: '/v2' },
          '2': {},
        },
        onUse,
        now,
      }),
    )
    .use(allowAuthenticated());
  const resets = guard()
    .use(
      throttleFailures({
        name: 'password-resets',
        store: failures,
        accountInBody: (body) => (body as { readonly account?: string } | undefined)?.account,
      }),
    )
    .use(allowAnonymous());
  const guarded = (handler: RequestHandler): RequestHandler =>
    open ? (_request, _response, next) => next() : handler;

  app.get('/openapi.json', guarded(secure(partners.use(allowAuthenticated()))), (_, response) => {
    response.json(document);
  });
  app.get('/v1/accounts/:id', guarded(secure(accounts)), (_request, response) => {
    // Nobody looked at the first version again after hashes were found to be in it.
    response.json({ name: 'Ann', passwordHash: '$2b$12$s3cret' });
  });
  app.get('/v2/accounts/:id', guarded(secure(accounts)), (_request, response) => {
    response.json({ name: 'Ann' });
  });
  const parser = express.json();
  app.post('/password-resets', guarded(secure(resets, { parser })), parser, (request, response) => {
    const { code } = request.body as { readonly code?: string };
    response.sendStatus(code === '000017' ? 204 : 403);
  });
  if (debug) {
    app.get('/debug/accounts', (_request, response) => {
      response.json([{ name: 'Ann', passwordHash: '$2b$12$s3cret' }]);
    });
  }

  if (!open) {
    assertCoverage(
      coverageReport(inventoryOf(app), {
        require: ['grant', 'authentication'],
        except: { 'POST /password-resets': ['authentication'] },
        documented: openapiOperations(document),
      }),
    );
  }
  return app;
}
