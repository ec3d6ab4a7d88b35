import type { Server } from 'node:http';
import type { AuthenticatedFacts, Coverage, GraphqlFacts } from '@apisec/core';
import type { FieldPolicies } from '@apisec/graphql';
import type { GraphQLSchema } from 'graphql';

export declare const api: Coverage<GraphqlFacts, AuthenticatedFacts>;
export declare const schema: GraphQLSchema;
export declare const fields: FieldPolicies<AuthenticatedFacts & GraphqlFacts>;
export declare const server: Server;
