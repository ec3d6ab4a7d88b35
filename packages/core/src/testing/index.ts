export { apiKeyStoreContract } from './api-key-store-contract.ts';
export type { ClockedStoreSubject, ContractCase, StoreSubject } from './contract-case.ts';
export { counterStoreContract } from './counter-store-contract.ts';
export {
  type CoverageMatchers,
  coverageMatchers,
  expectCovered,
} from './coverage-matchers.ts';
export { leaseStoreContract } from './lease-store-contract.ts';
export { limitStoreContract } from './limit-store-contract.ts';
export { passkeyStoreContract } from './passkey-store-contract.ts';
export {
  type RefreshTokenStoreSubject,
  refreshTokenStoreContract,
} from './refresh-token-store-contract.ts';
export { replayStoreContract } from './replay-store-contract.ts';
export { revocationStoreContract } from './revocation-store-contract.ts';
export { roleStoreContract } from './role-store-contract.ts';
export { type SessionStoreSubject, sessionStoreContract } from './session-store-contract.ts';
export { tenantStoreContract } from './tenant-store-contract.ts';
export { type TestClock, testClock } from './test-clock.ts';
export {
  type TestIssuer,
  type TestIssuerOptions,
  type TestTokenOptions,
  testIssuer,
} from './test-issuer.ts';
export { type TicketStoreSubject, ticketStoreContract } from './ticket-store-contract.ts';
export { totpStoreContract } from './totp-store-contract.ts';
export { usageStoreContract } from './usage-store-contract.ts';
export {
  type WebhookOutboxSubject,
  webhookOutboxContract,
} from './webhook-outbox-contract.ts';
