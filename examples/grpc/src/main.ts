import { ServerCredentials } from '@grpc/grpc-js';
import { createServer } from './server.ts';

const {
  ISSUER: issuer = 'https://id.example.com',
  AUDIENCE: audience = 'https://api.example.com',
  PORT = '50051',
} = process.env;

// Behind a proxy that terminates TLS; otherwise use ServerCredentials.createSsl.
const plaintext = ServerCredentials.createInsecure();
createServer({ issuer, audience }).bindAsync(`127.0.0.1:${PORT}`, plaintext, (error) => {
  if (error) throw error;
  console.log(`Orders on 127.0.0.1:${PORT}, for access tokens of ${issuer}`);
});
