import { GraphQLSchema } from 'graphql';
import { describe, expect, test } from 'vitest';
import { openFields, operationOf } from './open-operations.ts';

const schema = new GraphQLSchema({});
const admitAll = (): undefined => undefined;

describe('operations that are open', () => {
  test('are found by the context value that they were opened for', () => {
    for (const contextValue of [
      { user: 'ada' },
      Object.freeze({}),
      Object.create(null) as object,
    ]) {
      openFields(contextValue, schema, admitAll);
      expect(operationOf(contextValue, schema)?.decide).toBe(admitAll);
    }
  });

  test('are not found by a copy of it, or by an object that inherits from it', () => {
    const contextValue = { user: 'ada' };
    openFields(contextValue, schema, admitAll);
    const others = [{ ...contextValue }, Object.create(contextValue) as object];
    for (const other of others) {
      expect(operationOf(other, schema)).toBeUndefined();
      const denyAll = (): undefined => undefined;
      openFields(other, schema, denyAll);
      expect(operationOf(other, schema)?.decide).toBe(denyAll);
      expect(operationOf(contextValue, schema)?.decide).toBe(admitAll);
    }
  });
});
