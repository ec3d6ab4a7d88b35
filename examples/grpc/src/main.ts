import { serverTls } from '@apisec/grpc';
import { ServerCredentials } from '@grpc/grpc-js';
import { createServer } from './server.ts';

const {
  ISSUER: issuer = 'https://id.example.com',
  AUDIENCE: audience = 'https://api.example.com',
  PORT = '50051',
  TLS_CERT: cert,
  TLS_KEY: key,
  CLIENT_CA: ca,
  REFLECTION: reflection,
} = process.env;

// Without files: behind a proxy on this machine that terminates TLS.
const credentials =
  cert && key
    ? serverTls({
        cert,
        key,
        ...(ca ? { ca, clientCertificates: 'required' } : { clientCertificates: 'none' }),
      })
    : ServerCredentials.createInsecure();

const server = createServer({ issuer, audience }, { reflection: reflection === 'on' });
server.bindAsync(`127.0.0.1:${PORT}`, credentials, (error) => {
  if (error) throw error;
  console.log(`Orders on 127.0.0.1:${PORT}, for access tokens of ${issuer}`);
});
