// What all guides to accounts take for granted: one user, and a browser.
import type { LoginAccount, LoginAccounts, LoginOptions, SignedIn } from '@apisec/accounts';
import { memoryTicketStore, passwords } from '@apisec/accounts';

export const subject = 'alice';
export const client = 'the cookie of this browser';
export const peer = '192.0.2.1';
export const identifier = 'alice@example.com';
export const password = 'correct horse battery';
export const tickets = memoryTicketStore();

/** Hashes in plain sight: guides run often. */
export const policy = passwords({
  hasher: {
    hash: async (text) => `plain ${text}`,
    verify: async (text, hash) => hash === `plain ${text}`,
    needsRehash: () => false,
  },
});

const alice: LoginAccount = { subject, passwordHash: `plain ${password}` };
export const accounts: LoginAccounts = {
  byIdentifier: (name) => (name === identifier ? alice : undefined),
  bySubject: (name) => (name === subject ? alice : undefined),
};
export const finish: LoginOptions<SignedIn>['finish'] = (signedIn) => signedIn;
