import { factsOf } from '@apisec/core';
import { type SecureOptions, secure } from '@apisec/express';
import express, { type Express } from 'express';
import { limitsPolicy, type PolicyOptions } from './policy.ts';

/** What the routes do, once a call was let in. */
export interface Services {
  /** Makes a report of up to so many rows. */
  readonly report: (rows: number) => readonly string[];
  readonly exportAll: () => Promise<string>;
  readonly isPassword: (email: string, password: string) => Promise<boolean>;
}

export interface AppOptions extends PolicyOptions, Pick<SecureOptions, 'trust'> {
  readonly services: Services;
}

export function createApp({ services, trust, ...options }: AppOptions): Express {
  const { search, reports, exports, login, health } = limitsPolicy(options);
  const app = express();

  app.get('/health', secure(health, { trust }), (_req, res) => {
    res.json({ ok: true });
  });

  app.get('/search', secure(search, { trust }), (req, res) => {
    const { principal } = factsOf(req, search);
    res.json({ for: principal?.subject ?? 'a stranger', results: [] });
  });

  app.get('/reports', secure(reports, { trust }), (req, res) => {
    const { usage } = factsOf(req, reports);
    const rows = services.report(Number(req.query['rows']));
    usage.units = rows.length;
    res.json({ rows });
  });

  app.get('/exports', secure(exports, { trust }), (_req, res, next) => {
    services.exportAll().then((text) => res.type('text').send(text), next);
  });

  // Parsed in front of the guard, which finds the account in the body.
  app.post('/login', express.json(), secure(login, { trust }), (req, res, next) => {
    const { email, password } = req.body as { readonly email: string; readonly password: unknown };
    // The status says how the attempt came out: 401 is a failure, 2xx a success.
    services
      .isPassword(email, String(password))
      .then((right) => res.status(right ? 200 : 401).json({ ok: right }), next);
  });

  return app;
}
