import { createApp } from './server.ts';

const {
  ISSUER: issuer = 'https://id.example.com',
  AUDIENCE: audience = 'https://api.example.com',
  PORT = '3000',
} = process.env;

createApp({ issuer, audience }).listen(Number(PORT), (error) => {
  // Express calls this, too, when the port is taken.
  if (error) throw error;
  console.log(`Orders on http://localhost:${PORT}/orders, for access tokens of ${issuer}`);
});
