import type {
  AuthenticatedFacts,
  Coverage,
  GraphqlFacts,
  SharedFoldersOptions,
} from '@apisec/core';
import type { GraphQLFieldResolver } from 'graphql';
import { caller, type Documents, document, type Row } from './documents.ts';

export declare const api: Coverage<GraphqlFacts, AuthenticatedFacts>;
export declare const db: Documents;
export declare const request: Request;
export declare const authorization: string;
export declare const facts: AuthenticatedFacts;
export declare const row: Row;
export declare const isShared: SharedFoldersOptions<string>['isShared'];
export declare const sharedWith: SharedFoldersOptions<string>['sharedWith'];
export declare const parentOf: SharedFoldersOptions<string>['parentOf'];
export declare const childrenOf: SharedFoldersOptions<string>['childrenOf'];
export type { GraphQLFieldResolver };
export { caller, document };
