import { createApp } from './server.ts';

const {
  ISSUER: issuer = 'https://id.example.com',
  AUDIENCE: audience = 'https://api.example.com',
  PORT = '3000',
} = process.env;

const app = await createApp({ issuer, audience });
const url = await app.listen({ port: Number(PORT) });
console.log(`Orders on ${url}/orders, for access tokens of ${issuer}`);
