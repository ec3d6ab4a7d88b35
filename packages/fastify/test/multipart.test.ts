import { describeMultipartAttacks } from '@apisec/conformance/multipart-attacks';
import multipart from '@fastify/multipart';
import fastify, { type FastifyRequest } from 'fastify';
import { secure } from '../src/secure.ts';

describeMultipartAttacks({
  name: 'Fastify with @fastify/multipart',
  start: async (admission, seen) => {
    const app = fastify();
    await app.register(secure(admission));
    const most = Number.MAX_SAFE_INTEGER;
    await app.register(multipart, { limits: { files: most, parts: most, fields: most } });
    const count = async (request: FastifyRequest) => {
      for await (const part of request.parts()) {
        if (part.type === 'file') {
          seen.files += 1;
          await part.toBuffer();
        } else seen.fields += 1;
      }
      return seen;
    };
    app.route({ method: 'POST', url: '/', handler: count });
    await app.listen({ port: 0, host: '127.0.0.1' });
    return app.server;
  },
});
