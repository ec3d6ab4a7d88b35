import { startStandaloneServer } from '@apollo/server/standalone';
import { createServer } from './server.ts';

const {
  ISSUER: issuer = 'https://id.example.com',
  AUDIENCE: audience = 'https://api.example.com',
  PORT = '3000',
} = process.env;

const { url } = await startStandaloneServer(createServer({ issuer, audience }), {
  // With Node's request in the context, policies see headers as they were sent.
  context: async ({ req }) => ({ req }),
  listen: { port: Number(PORT) },
});
console.log(`Orders on ${url}, for access tokens of ${issuer}`);
