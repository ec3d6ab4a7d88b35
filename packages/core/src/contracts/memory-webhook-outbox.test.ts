import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { webhookOutboxContract } from '../testing/webhook-outbox-contract.ts';
import { memoryWebhookOutbox } from './memory-webhook-outbox.ts';

describe('memoryWebhookOutbox', () => {
  test.each(webhookOutboxContract)('$name', ({ run }) => {
    let time = 1_800_000_000_000;
    const now = () => time;
    const pass = (milliseconds: number) => {
      time += milliseconds;
    };
    return run({ create: () => memoryWebhookOutbox({ now }), pass, now });
  });

  test('without a clock of its own it goes by those of its callers', async () => {
    const outbox = memoryWebhookOutbox();
    const secrets = [{ id: 's', secret: { key: 'v1', iv: 'AAAA', text: 'BBBB' } }];
    const url = 'https://hooks.example.com/in';
    const endpoint = {
      id: 'e',
      tenant: 't',
      url,
      secrets,
      status: 'active',
      version: '1',
    } as const;
    await outbox.insertEndpoint(endpoint);
    await outbox.add([
      { id: '1', messageId: 'm', endpointId: 'e', body: '{}', createdAtMs: 5_000 },
    ]);
    const claim = async (nowMs: number) =>
      (await outbox.claim({ limit: 1, nowMs, leaseMs: 1_000 })).length;
    expect([await claim(4_999), await claim(5_000), await claim(5_999)]).toEqual([0, 1, 0]);
    expect(await claim(6_000)).toBe(1);
  });

  test('when it is full it says so, and loses nothing', async () => {
    const outbox = memoryWebhookOutbox({ capacity: 1 });
    const delivery = { messageId: 'm', endpointId: 'e', body: '{}', createdAtMs: 0 };
    await outbox.add([{ id: '1', ...delivery }]);
    expect(() => outbox.add([{ id: '2', ...delivery }])).toThrow('full');
    expect(await outbox.list({ endpointId: 'e', limit: 9 })).toHaveLength(1);
  });

  test('cannot be constructed without room', () => {
    expect(() => memoryWebhookOutbox({ capacity: 0 })).toThrow(ConfigurationError);
    expect(() => memoryWebhookOutbox({ now: 5 as never })).toThrow(ConfigurationError);
  });
});
