import { testSlowBodies } from '@apisec/conformance/slow-bodies';
import { secure } from '@apisec/fastify';
import fastify from 'fastify';

testSlowBodies({
  name: 'Fastify',
  start: async (admission) => {
    const app = fastify();
    await app.register(secure(admission));
    app.route({ method: ['GET', 'POST'], url: '/orders', handler: ({ body }) => ({ body }) });
    await app.listen({ port: 0, host: '127.0.0.1' });
    return app.server;
  },
});
