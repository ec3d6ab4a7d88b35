import { randomBytes } from 'node:crypto';
import {
  type LoginAccount,
  login,
  memoryPasskeyStore,
  memoryTicketStore,
  memoryTotpStore,
  passwords,
  type SignedIn,
  totp,
} from '@apisec/accounts';
import { nodePasswordHasher } from '@apisec/accounts/node-password-hasher';
import { passkeys } from '@apisec/accounts/passkeys';

/** Accounts in memory: one user, who may have a second factor and passkeys. */
export async function accountsOf(origin: string, password: string) {
  const tickets = memoryTicketStore();
  const policy = passwords({ hasher: nodePasswordHasher({ cost: { ln: 14, r: 8, p: 1 } }) });
  const hashed = await policy.hash(password);
  if (!hashed.ok) throw new Error(hashed.denial.code);
  const alice: LoginAccount = { subject: 'alice', passwordHash: hashed.hash };
  const factors = totp({
    issuer: 'Example',
    store: memoryTotpStore(),
    sealingKeys: { current: 'v1', keys: { v1: randomBytes(32) } },
  });
  const keys = passkeys({
    rpId: 'localhost',
    rpName: 'Example',
    origins: [origin],
    store: memoryPasskeyStore(),
    tickets,
  });
  const signIn = login<SignedIn>({
    accounts: {
      byIdentifier: (mail) => (mail === 'alice@example.com' ? alice : undefined),
      bySubject: (subject) => (subject === 'alice' ? alice : undefined),
    },
    tickets,
    passwords: policy,
    totp: factors,
    passkeys: keys,
    // The session is begun where the cookie can be set.
    finish: (signedIn) => signedIn,
  });
  return { signIn, factors, keys };
}
