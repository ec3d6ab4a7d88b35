import { createServer as createHttpServer } from 'node:http';
import { manifestOf } from './documents.ts';
import { createServer } from './server.ts';

const {
  ISSUER: issuer = 'https://id.example.com',
  AUDIENCE: audience = 'https://api.example.com',
  PORT = '3000',
} = process.env;

const yoga = createServer({ issuer, audience }, await manifestOf());
createHttpServer((request, response) => void yoga(request, response)).listen(Number(PORT), () => {
  console.log(`Books on http://localhost:${PORT}/graphql, for access tokens of ${issuer}`);
});
