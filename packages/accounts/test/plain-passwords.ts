import { type PasswordAccount, passwords } from '../src/index.ts';

/** Passwords whose hashes anybody can read, and the one account that has one. */
export function plainPasswords(account: { subject: string; passwordHash: string }) {
  return {
    passwords: passwords({
      hasher: {
        hash: (password) => Promise.resolve(`h:${password}`),
        verify: (password, hash) => Promise.resolve(hash === `h:${password}`),
        needsRehash: () => false,
      },
    }),
    accounts: {
      byIdentifier: (): PasswordAccount => account,
      bySubject: (): PasswordAccount => account,
      setHash: (_subject: string, hash: string): boolean => {
        account.passwordHash = hash;
        return true;
      },
    },
  };
}
