import { type AddressInfo, type Server } from 'node:net';
import {
  describeConformance,
  httpSubject,
  restNames,
  type Subject,
  tableOf,
  writeTo,
} from '@apisec/conformance';
import { coverage, factsOf } from '@apisec/core';
import { problems, secure } from '@apisec/express';
import express5 from 'express';
import express4 from 'express4';

/** Both versions have the same API here; their types do not know of each other. */
function subject(name: string, express: typeof express5): Subject {
  return {
    name,
    ...httpSubject,
    start: async (api) => {
      const app = express();
      const parser = express.json({ limit: api.largestBody });
      const { problemTypeBase } = api;
      const guarded = secure(coverage(tableOf(api, restNames)), { parser, problemTypeBase });
      const { notFound, onError } = problems({ problemTypeBase, onFault: () => undefined });
      for (const operation of api.operations) {
        app[operation.readOnly ? 'get' : 'all'](
          `/${operation.name}`,
          guarded,
          parser,
          (req, res, next) => {
            const answer = async (): Promise<void> => {
              const facts = factsOf(req, operation.admission);
              const reply = await api.serve(operation, req.body, facts);
              if (operation.records !== undefined) {
                const { type, chunks } = operation.records;
                res.writeHead(200, { 'content-type': type });
                for (const chunk of chunks) await writeTo(res, chunk);
                res.end();
              } else if (operation.raw === undefined) res.status(reply.status).json(reply);
              else res.type('text').send(operation.raw);
            };
            // Express 4 does not look at promises.
            answer().catch(next);
          },
        );
      }
      app.use(notFound);
      app.use(onError);
      const server = await new Promise<Server>((resolve) => {
        const listening = app.listen(0, '127.0.0.1', () => resolve(listening));
      });
      return {
        // It listens on TCP, so its address is one.
        port: (server.address() as AddressInfo).port,
        close: () => new Promise((resolve) => server.close(() => resolve())),
      };
    },
  };
}

describeConformance(subject('Express 5', express5));
describeConformance(subject('Express 4', express4 as unknown as typeof express5));
