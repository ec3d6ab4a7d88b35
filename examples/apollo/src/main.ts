import { start } from './server.ts';

const {
  ISSUER: issuer = 'https://id.example.com',
  AUDIENCE: audience = 'https://api.example.com',
  PORT = '3000',
} = process.env;

const { url } = await start({ issuer, audience }, { port: Number(PORT) });
console.log(`Orders on ${url}, for access tokens of ${issuer}`);
