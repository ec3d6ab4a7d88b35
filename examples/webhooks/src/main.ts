import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { memoryWebhookOutbox } from '@apisec/core';
import { safeFetch, sendWebhook } from '@apisec/egress';
import { expressReceiver } from './receivers.ts';

// A receiver on this machine, so that there is something to see; elsewhere the default `fetch` is right.
const port = Number(process.env['PORT'] ?? 3000);
const hooks = sendWebhook({
  outbox: memoryWebhookOutbox(),
  // Elsewhere from a secret manager, the same in every process.
  sealingKeys: { current: '2026-11', keys: { '2026-11': randomBytes(32) } },
  fetch: safeFetch({ allowedNetworks: ['127.0.0.1'], ports: [port] }),
});
const { endpoint, secret } = await hooks.addEndpoint({
  tenant: 'acme',
  url: `http://127.0.0.1:${port}/hook`,
});
const app = expressReceiver(secret, (id, event) => console.log(id, event));
await once(app.listen(port), 'listening');
const challenged = await hooks.challenge(endpoint.id);
if (!challenged.ok) console.log(challenged.denial.code);
await hooks.send({ endpointId: endpoint.id, type: 'order.paid', data: { id: 7 } });
hooks.start();
