import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describeMutualTls } from '@apisec/conformance/mutual-tls';
import { factsOf } from '@apisec/core';
import { secure } from '@apisec/express';
import express from 'express';

describeMutualTls({
  name: 'Express',
  start: async (tls, routes) => {
    const app = express();
    for (const { path, admission } of routes) {
      app.get(path, secure(admission), (req, res) => {
        res.json({ subject: factsOf(req, admission).principal.subject });
      });
    }
    const server = createServer(tls, app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return {
      port: (server.address() as AddressInfo).port,
      close: () => new Promise((resolve) => server.close(() => resolve())),
    };
  },
});
