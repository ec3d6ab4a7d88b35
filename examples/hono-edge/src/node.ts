import { serve } from '@hono/node-server';
import worker from './worker.ts';

// Only to try the worker on Node; an edge runtime loads worker.ts itself.
const {
  ISSUER = 'https://id.example.com',
  AUDIENCE = 'https://api.example.com',
  PORT = '3000',
} = process.env;

serve(
  { fetch: (request) => worker.fetch(request, { ISSUER, AUDIENCE }), port: Number(PORT) },
  () => {
    console.log(`Orders on http://localhost:${PORT}/orders, for access tokens of ${ISSUER}`);
  },
);
