import { type SafeFetch, sendWebhook, type Webhooks } from '@apisec/egress';
import { migrate, type PostgresClient, postgresWebhookOutbox } from '@apisec/postgres';

/** What each process of the sender is given, the same everywhere. */
export interface SenderOptions {
  readonly client: PostgresClient;
  /** 32 bytes, from a secret manager. */
  readonly sealingKey: Uint8Array;
  readonly fetch: SafeFetch;
}

/**
 * Sends webhooks from an outbox in PostgreSQL. What `send` has answered stands in the database: whichever process is
 * killed, the next one delivers it.
 */
export async function openSender({ client, sealingKey, fetch }: SenderOptions): Promise<Webhooks> {
  await migrate(client);
  return sendWebhook({
    outbox: postgresWebhookOutbox(client),
    sealingKeys: { current: 'v1', keys: { v1: sealingKey } },
    fetch,
    concurrency: 5,
    // How long a message waits for a process that was killed with it. Elsewhere the default, a minute, is right.
    lease: '2s',
    pollInterval: '100ms',
  });
}
