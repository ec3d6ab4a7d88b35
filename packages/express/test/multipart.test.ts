import { createServer } from 'node:http';
import { describeMultipartAttacks } from '@apisec/conformance/multipart-attacks';
import express5, { type ErrorRequestHandler } from 'express';
import express4 from 'express4';
import multer from 'multer';
import { secure } from '../src/secure.ts';

const versions = [
  ['Express 5', express5],
  // The types of Express 5 fit what is called here of Express 4.
  ['Express 4', express4 as unknown as typeof express5],
] as const;

for (const [name, express] of versions) {
  describeMultipartAttacks({
    name: `${name} with multer`,
    start: (admission, seen) => {
      const app = express();
      const upload = multer({
        fileFilter: (_request, _file, take) => {
          seen.files += 1;
          take(null, true);
        },
      });
      app.use(secure(admission), upload.any());
      app.post('/', (request, response) => {
        const values: unknown[] = Object.values((request.body as object | undefined) ?? {});
        seen.fields += values.flat().length;
        response.json(seen);
      });
      const failed: ErrorRequestHandler = (_error, _request, response, next) => {
        if (response.headersSent) next();
        else response.status(400).end();
      };
      app.use(failed);
      return createServer(app);
    },
  });
}
