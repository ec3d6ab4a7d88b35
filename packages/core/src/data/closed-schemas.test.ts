import { type TSchema, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { typebox } from '../../test/schema-libraries.ts';
import type { CallFacts } from '../engine/facts.ts';
import { listObligations } from '../engine/obligations.ts';
import { validateInput } from './validate-input.ts';

/** A schema, open or closed to members that it does not name, and values that mostly fit. */
type Shape =
  | { readonly of: 'text' | 'number' | 'constant' }
  | { readonly of: 'list'; readonly item: Shape }
  | { readonly of: 'pair' | 'either'; readonly parts: readonly [Shape, Shape] }
  | {
      readonly of: 'object';
      readonly members: Readonly<
        Record<string, { readonly shape: Shape; readonly optional: boolean }>
      >;
    };

const name = fc.constantFrom('a', 'b', 'c', 'd');
const { shape } = fc.letrec<{ shape: Shape }>((tie) => ({
  shape: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.record({ of: fc.constantFrom('text', 'number', 'constant') }),
    fc.record({ of: fc.constant('list'), item: tie('shape') }),
    fc.record({
      of: fc.constantFrom('pair', 'either'),
      parts: fc.tuple(tie('shape'), tie('shape')),
    }),
    fc.record({
      of: fc.constant('object'),
      members: fc.dictionary(name, fc.record({ shape: tie('shape'), optional: fc.boolean() }), {
        noNullPrototype: true,
      }),
    }),
  ),
}));

function schemaOf(shape: Shape, isClosed: boolean): TSchema {
  switch (shape.of) {
    case 'text':
      return Type.String({ maxLength: 2 });
    case 'number':
      return Type.Integer({ maximum: 2 });
    case 'constant':
      return Type.Literal('a');
    case 'list':
      return Type.Array(schemaOf(shape.item, isClosed));
    case 'pair':
      return Type.Tuple(shape.parts.map((part) => schemaOf(part, isClosed)));
    case 'either':
      return Type.Union(shape.parts.map((part) => schemaOf(part, isClosed)));
    case 'object': {
      const members = Object.entries(shape.members).map(([each, { shape: inner, optional }]) => {
        const member = schemaOf(inner, isClosed);
        return [each, optional ? Type.Optional(member) : member] as const;
      });
      return Type.Object(
        Object.fromEntries(members),
        isClosed ? { additionalProperties: false } : {},
      );
    }
  }
}

function valueOf(shape: Shape): fc.Arbitrary<unknown> {
  switch (shape.of) {
    case 'text':
      return fc.constantFrom('', 'xx', 'xxx');
    case 'number':
      return fc.integer({ min: 0, max: 3 });
    case 'constant':
      return name;
    case 'list':
      return fc.array(valueOf(shape.item), { maxLength: 2 });
    case 'pair':
      return fc.tuple(...shape.parts.map(valueOf));
    case 'either':
      return fc.oneof(...shape.parts.map(valueOf));
    case 'object': {
      const members = Object.entries(shape.members).map(([each, { shape: inner }]) => [
        each,
        valueOf(inner),
      ]);
      const known = fc.record(Object.fromEntries(members), { noNullPrototype: true });
      const more = fc.dictionary(name, fc.constantFrom<unknown>('zz', { z: 1 }), {
        maxKeys: 1,
        noNullPrototype: true,
      });
      return fc.oneof(
        { weight: 3, arbitrary: known },
        fc.tuple(known, more).map(([one, other]) => ({ ...one, ...other })),
      );
    }
  }
}

const call: CallFacts = {
  call: { protocol: 'http', operation: 'POST /' },
  peer: { address: '192.0.2.1', id: '192.0.2.1' },
};

test('a body through a schema that keeps members passes where it would pass the same schema without more members', async () => {
  let passed = 0;
  const pair = shape.chain((of) => fc.tuple(fc.constant(of), valueOf(of)));
  await fc.assert(
    fc.asyncProperty(pair, async ([of, value]) => {
      const policy = validateInput({ body: typebox(schemaOf(of, false)) });
      const outcome = await policy.check(new Request('https://api.example.com/'), call);
      const answer = await listObligations(outcome.obligations)[0]?.onMessage?.(value);
      const expected = Value.Check(schemaOf(of, true), value);
      expect(answer?.ok).toBe(expected);
      if (expected) passed++;
    }),
    { numRuns: 1_000 },
  );
  expect(passed).toBeGreaterThan(100);
});
