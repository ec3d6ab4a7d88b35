import type { GraphqlCall, GraphqlRootField } from '@apisec/core';
import {
  type DocumentNode,
  type FieldNode,
  type GraphQLSchema,
  getOperationAST,
  type OperationDefinitionNode,
} from 'graphql';
import { UNRESOLVED } from './operation-name.ts';

/** What an operation is made of, once its document is read and valid. */
export interface OperationSource {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  /** As the caller sent them. */
  readonly variables: Readonly<Record<string, unknown>>;
  /** What it may cost, where that was reserved. */
  reserved?: ReservedCost | undefined;
  /** What its objects and items of lists have cost so far, where that is counted. */
  spent?: (() => number) | undefined;
}

/** What an operation may cost, and by what weights it is charged while it runs. */
export interface ReservedCost {
  readonly cost: number;
  /** Of fields that are in no list. */
  readonly fixedCost: number;
  /** Of values at the root. */
  readonly values: number;
  /** Of one object of a field, with its values; of one item in a list of values. */
  readonly weights: ReadonlyMap<FieldNode, number>;
}

/** The operation that runs of a document; undefined where it has none of that name, or several. */
export function sourceIn(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Readonly<Record<string, unknown>> | null | undefined,
): OperationSource | undefined {
  const operation = getOperationAST(document, operationName);
  return operation ? { schema, document, operation, variables: variables ?? {} } : undefined;
}

const SOURCE = Symbol('apisec.source');

/** What is there of a call before its document is read, and after. */
export interface PendingCall {
  readonly call: GraphqlCall;
  /** Says what the document said; without arguments, that there is none to be had. */
  readonly resolve: (
    operation?: string,
    fields?: readonly GraphqlRootField[],
    source?: OperationSource,
  ) => void;
}

/**
 * A call whose operation is not known yet. Who asks for it too early gets a throw, and `onRead` hears of everyone who
 * asks, so that what did not depend on the document need not wait for it.
 */
export function pendingCall(onRead: () => void): PendingCall {
  let known:
    | {
        readonly operation: string;
        readonly fields: readonly GraphqlRootField[];
        readonly source: OperationSource | undefined;
      }
    | undefined;
  const read = (): NonNullable<typeof known> => {
    onRead();
    if (known === undefined) throw new Error('The operation is not known before its document.');
    return known;
  };
  const call: GraphqlCall = {
    protocol: 'graphql',
    get operation() {
      return read().operation;
    },
    get fields() {
      return read().fields;
    },
  };
  // There from the start: who asks what the document holds before it is read must be asked again. Not enumerable: who
  // writes down facts does not write down documents.
  Object.defineProperty(call, SOURCE, { get: () => read().source });
  return {
    call,
    resolve: (operation = UNRESOLVED, fields = [], source) => {
      known = { operation, fields, source };
    },
  };
}

/** A call whose operation is known. `onRead` hears of everyone who asks what it is. */
export function operationCall(
  operation: string,
  fields: readonly GraphqlRootField[],
  source: OperationSource | undefined,
  onRead: () => void,
): GraphqlCall {
  const { call, resolve } = pendingCall(onRead);
  resolve(operation, fields, source);
  return call;
}

/** The same, where nobody wants to hear of that. Most calls are: with accessors of its own a call takes 2 µs more. */
export function plainCall(
  operation: string,
  fields: readonly GraphqlRootField[],
  source: OperationSource | undefined,
): GraphqlCall {
  return new PlainCall(operation, fields, source);
}

class PlainCall implements GraphqlCall {
  readonly protocol = 'graphql';
  readonly operation: string;
  readonly fields: readonly GraphqlRootField[];
  /** Private: who writes down facts does not write down documents. */
  readonly #source: OperationSource | undefined;

  constructor(
    operation: string,
    fields: readonly GraphqlRootField[],
    source: OperationSource | undefined,
  ) {
    this.operation = operation;
    this.fields = fields;
    this.#source = source;
    Object.freeze(this);
  }

  static sourceOf(call: object): OperationSource | undefined {
    return #source in call ? call.#source : undefined;
  }
}

/** What a call is made of; undefined for calls of other protocols, and where the operation never resolved. */
export function sourceOf(call: object): OperationSource | undefined {
  return PlainCall.sourceOf(call) ?? (call as { readonly [SOURCE]?: OperationSource })[SOURCE];
}
