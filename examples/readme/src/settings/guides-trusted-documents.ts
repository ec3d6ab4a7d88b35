import type { AuthenticatedFacts, Coverage, GraphqlFacts } from '@apisec/core';

export declare const api: Coverage<GraphqlFacts, AuthenticatedFacts>;
export declare const files: readonly string[];
