import { GraphQLSchema, OperationTypeNode, parse } from 'graphql';
import { expect, test } from 'vitest';
import { operationCall, plainCall, sourceIn, sourceOf } from './operation-call.ts';

const source = sourceIn(new GraphQLSchema({}), parse('{ echo }'), undefined, undefined);
const calls = {
  'that tells who reads it': operationCall('query', [], source, () => undefined),
  'that does not': plainCall('query', [], source),
};

for (const [name, call] of Object.entries(calls)) {
  test(`a call ${name} knows its document and does not write it down`, () => {
    expect(sourceOf(call)?.operation.operation).toBe(OperationTypeNode.QUERY);
    const written = { protocol: 'graphql', operation: 'query', fields: [] };
    expect(JSON.parse(JSON.stringify(call))).toEqual(written);
    expect({ ...call }).toEqual(written);
    expect(sourceOf({ ...call })).toBeUndefined();
  });

  test(`a call ${name} cannot be changed by a policy`, () => {
    expect(() => Object.assign(call, { operation: 'mutation' })).toThrow(TypeError);
  });
}
