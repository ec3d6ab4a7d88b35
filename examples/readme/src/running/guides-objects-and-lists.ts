import {
  type AuthenticatedFacts,
  allowAuthenticated,
  authenticateJwt,
  coverage,
  type GraphqlFacts,
  guard,
} from '@apisec/core';
import { caller, document } from '../settings/documents.ts';
import { db, row } from './documents.ts';
import { audience, issuer, provider } from './provider.ts';

export const api = coverage({
  'Query.document': guard<GraphqlFacts>()
    .use(authenticateJwt(provider.trust))
    .use(allowAuthenticated()),
});
export const authorization = 'Bearer of this API';

// The folder f1 is shared with bob.
export const isShared = async (user: string, folder: string): Promise<boolean> =>
  user === BOB && folder === 'f1';
export const sharedWith = async (user: string): Promise<readonly string[]> =>
  user === BOB ? ['f1'] : [];
export const parentOf = async (): Promise<undefined> => undefined;
export const childrenOf = async (): Promise<readonly string[]> => [];

const BOB = 'bob';
const principal = { id: BOB, subject: BOB, issuer, type: 'user', tenant: 'acme' };
// What policies of the guide read of it.
export const facts = { principal } as unknown as AuthenticatedFacts;
export { audience, caller, db, document, issuer, row };
