import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { webhookOutboxContract } from '../testing/webhook-outbox-contract.ts';
import { memoryWebhookOutbox } from './memory-webhook-outbox.ts';

describe('memoryWebhookOutbox', () => {
  test.each(webhookOutboxContract)('$name', ({ run }) =>
    run({ create: () => memoryWebhookOutbox() }),
  );

  test('when it is full it says so, and loses nothing', async () => {
    const outbox = memoryWebhookOutbox({ capacity: 1 });
    const delivery = { messageId: 'm', endpointId: 'e', body: '{}', createdAtMs: 0 };
    await outbox.add([{ id: '1', ...delivery }]);
    expect(() => outbox.add([{ id: '2', ...delivery }])).toThrow('full');
    expect(await outbox.list({ endpointId: 'e', limit: 9 })).toHaveLength(1);
  });

  test('does not construct without room', () => {
    expect(() => memoryWebhookOutbox({ capacity: 0 })).toThrow(ConfigurationError);
  });
});
