import type { ApiKeys, CallFacts, Coverage, Limit, LimitStore } from '@apisec/core';
import type { Sessions } from '@apisec/oauth';

export declare const browser: Sessions;
export declare const graphqlApi: Coverage<CallFacts>;
export declare const keys: ApiKeys;
export declare const store: LimitStore;
export declare const standard: Limit;
