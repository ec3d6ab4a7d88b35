import { memoryCounterStore } from '@apisec/core';
import { accountsApi } from './accounts.ts';
import { messagesApi } from './messages.ts';

const { PORT = '3000', MESSAGES_PORT = '3001' } = process.env;

const failures = memoryCounterStore();
const onUse = ({ version, caller }: { version: string; caller: string | undefined }): void =>
  console.log(`Version ${version}, used by ${caller}`);
accountsApi({ failures, onUse }).listen(Number(PORT), '127.0.0.1', (error) => {
  // Express calls this, too, when the port is taken.
  if (error) throw error;
  console.log(`Accounts: http://127.0.0.1:${PORT}/v2/accounts/1, with a header X-Partner`);
});
messagesApi().listen(Number(MESSAGES_PORT), '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`Messages, for a proxy that ends TLS: http://127.0.0.1:${MESSAGES_PORT}/messages`);
});
