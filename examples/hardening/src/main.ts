import { memoryCounterStore } from '@apisec/core';
import { accountsApi } from './accounts.ts';
import { messagesApi } from './messages.ts';

const failures = memoryCounterStore();
const onUse = ({ version, caller }: { version: string; caller: string | undefined }): void =>
  console.log(`Version ${version}, used by ${caller}`);
accountsApi({ failures, onUse }).listen(3000, '127.0.0.1', () => {
  console.log('Accounts: http://127.0.0.1:3000/v2/accounts/1, with a header X-Partner');
});
messagesApi().listen(3001, '127.0.0.1', () => {
  console.log('Messages, for a proxy that ends TLS: http://127.0.0.1:3001/messages');
});
