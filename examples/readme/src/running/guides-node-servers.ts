import express from 'express';
import { certificatesIn } from './certificates.ts';

export const app = express();
app.get('/', (_request, response) => {
  response.send('in');
});
const made = await certificatesIn({});
await made.remove();
const { ca } = made;
export const key = String(made.key);
export const cert = String(made.cert);
export { ca };
