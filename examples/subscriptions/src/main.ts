import { createServer } from './server.ts';

const {
  ISSUER: issuer = 'https://id.example.com',
  AUDIENCE: audience = 'https://api.example.com',
  PORT = '3000',
} = process.env;

createServer({ issuer, audience })
  // graphql-ws prints errors of the server and goes on; one that does not listen is of no use.
  .on('error', (cause) => {
    throw cause;
  })
  .listen(Number(PORT), () => {
    console.log(`Prices on ws://localhost:${PORT}/graphql, for access tokens of ${issuer}`);
  });
