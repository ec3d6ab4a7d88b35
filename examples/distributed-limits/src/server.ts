import { secure } from '@apisec/express';
import express, { type Express } from 'express';
import { type LimitOptions, searchPolicy } from './policy.ts';

export function createApp(options: LimitOptions): Express {
  const app = express();
  app.get('/search', secure(searchPolicy(options)), (_req, res) => {
    res.json({ results: [] });
  });
  return app;
}
