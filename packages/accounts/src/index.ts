// Logins, passwords, second factors and tokens that an API issues to its own users.

export {
  type CodeMessage,
  type Login,
  type LoginAccount,
  type LoginAccounts,
  type LoginAnswer,
  type LoginCaller,
  type LoginDenied,
  type LoginDone,
  type LoginFactor,
  type LoginOptions,
  type LoginPasskeys,
  type LoginPending,
  login,
  type NextStep,
  type PasswordStep,
  type SendCode,
  type SignedIn,
  type StepUp,
} from './login/login.ts';
export {
  type BegunLogin,
  type LoginRouteFacts,
  type LoginRoutes,
  type LoginRoutesOptions,
  loginRoutes,
  type RunningSession,
} from './login/login-routes.ts';
// Passkeys are at `@apisec/accounts/passkeys`, for those who install what they stand on.
export {
  type MemoryPasskeyStoreOptions,
  memoryPasskeyStore,
} from './passkeys/memory-passkey-store.ts';
export {
  type Argon2Like,
  type Argon2Parameters,
  type Argon2PasswordHasherOptions,
  argon2PasswordHasher,
} from './passwords/argon2-password-hasher.ts';
export {
  type MigratingPasswordHasherOptions,
  migratingPasswordHasher,
  type OlderHashes,
} from './passwords/migrating-password-hasher.ts';
export {
  type PasswordAccount,
  type PasswordAccounts,
  type PasswordChange,
  type PasswordChanges,
  type PasswordChangesOptions,
  passwordChanges,
} from './passwords/password-changes.ts';
export {
  type BreachedRange,
  type PasswordCheck,
  type PasswordContext,
  type PasswordDenial,
  type PasswordHash,
  type PasswordHasher,
  type Passwords,
  type PasswordsOptions,
  type PasswordVerification,
  passwords,
} from './passwords/passwords.ts';
export {
  type AccountRecovery,
  type AccountRecoveryOptions,
  accountRecovery,
  type RecoveryDenial,
  type RecoveryEvent,
  type RecoveryProof,
} from './recovery/account-recovery.ts';
export { type MemoryTicketStoreOptions, memoryTicketStore } from './tickets/memory-ticket-store.ts';
export {
  type SingleUse,
  type SingleUseDenial,
  type SingleUseTokens,
  type SingleUseTokensOptions,
  singleUseTokens,
} from './tickets/single-use-tokens.ts';
export {
  type MemoryRefreshTokenStoreOptions,
  memoryRefreshTokenStore,
} from './tokens/memory-refresh-token-store.ts';
export {
  type IssuedTokens,
  type RefreshRequest,
  type Renewal,
  type RenewedGrant,
  type RevokeRequest,
  type TokenDenialReason,
  type TokenGrant,
  type Tokens,
  type TokensDenied,
  type TokensOptions,
  tokens,
} from './tokens/tokens.ts';
export { type MemoryTotpStoreOptions, memoryTotpStore } from './totp/memory-totp-store.ts';
export { type ResetSecondFactorOptions, resetSecondFactor } from './totp/reset-second-factor.ts';
export {
  type ImportedTotpSecret,
  type SealingKeys,
  type Totp,
  type TotpBackupCodes,
  type TotpDenial,
  type TotpEnrolment,
  type TotpOptions,
  type TotpStatus,
  type TotpVerification,
  totp,
} from './totp/totp.ts';
