import { createServer } from './server.ts';

const {
  ISSUER: issuer = 'https://id.example.com',
  AUDIENCE: audience = 'https://api.example.com',
  PORT = '3000',
} = process.env;

createServer({ issuer, audience }).listen(Number(PORT), () => {
  console.log(`Prices on ws://localhost:${PORT}/graphql, for access tokens of ${issuer}`);
});
