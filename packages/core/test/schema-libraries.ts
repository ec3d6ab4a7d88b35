import type { StandardSchema } from '@apisec/core';
import { create, createFileRegistry, setExtension } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldOptionsSchema,
  FileDescriptorProtoSchema,
  file_google_protobuf_descriptor,
} from '@bufbuild/protobuf/wkt';
import { createStandardSchema } from '@bufbuild/protovalidate';
import {
  FieldRulesSchema,
  field,
  file_buf_validate_validate,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { type TSchema, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { type } from 'arktype';
import * as v from 'valibot';
import { z } from 'zod';

/** Types of TypeBox are JSON Schema, and keep what they do not name: the description is what tells it. */
export function typebox(schema: TSchema): StandardSchema {
  return {
    '~standard': {
      version: 1,
      vendor: 'typebox',
      validate: (value) =>
        Value.Check(schema, value)
          ? { value }
          : {
              issues: [...Value.Errors(schema, value)].map(({ message, path }) => ({
                message,
                path: path.split('/').slice(1),
              })),
            },
      jsonSchema: { input: () => schema },
    },
  };
}

/** What `message User { string name = 1 [(buf.validate.field).string.max_len = 20]; Home home = 2; }` compiles to. */
function userMessage(): StandardSchema {
  const options = create(FieldOptionsSchema);
  const maxLen = { case: 'string', value: { maxLen: 20n } } as const;
  setExtension(options, field, create(FieldRulesSchema, { type: maxLen }));
  const label = FieldDescriptorProto_Label.OPTIONAL;
  const text = { number: 1, type: FieldDescriptorProto_Type.STRING, label };
  const home = { number: 2, type: FieldDescriptorProto_Type.MESSAGE, label };
  const file = create(FileDescriptorProtoSchema, {
    name: 'users.proto',
    package: 'users.v1',
    syntax: 'proto3',
    dependency: ['buf/validate/validate.proto'],
    messageType: [
      {
        name: 'User',
        field: [
          { name: 'name', jsonName: 'name', options, ...text },
          { name: 'home', jsonName: 'home', typeName: '.users.v1.Home', ...home },
        ],
      },
      { name: 'Home', field: [{ name: 'city', jsonName: 'city', ...text }] },
    ],
  });
  const files = {
    'buf/validate/validate.proto': file_buf_validate_validate,
    'google/protobuf/descriptor.proto': file_google_protobuf_descriptor,
  };
  const registry = createFileRegistry(file, (name) => files[name as keyof typeof files]);
  const user = registry.getMessage('users.v1.User');
  if (user === undefined) throw new Error('The file above defines it.');
  return createStandardSchema(user) as StandardSchema;
}

/** The same user in four libraries; each treats unknown members in its own way. */
export const users: readonly (readonly [string, StandardSchema])[] = [
  [
    'zod, which drops them',
    z.object({ name: z.string(), home: z.object({ city: z.string() }).optional() }),
  ],
  [
    'zod, strict',
    z.strictObject({ name: z.string(), home: z.strictObject({ city: z.string() }).optional() }),
  ],
  [
    'valibot, which drops them',
    v.object({ name: v.string(), home: v.optional(v.object({ city: v.string() })) }),
  ],
  [
    'valibot, strict',
    v.strictObject({ name: v.string(), home: v.optional(v.strictObject({ city: v.string() })) }),
  ],
  ['arktype, which keeps them', type({ name: 'string', 'home?': { city: 'string' } })],
  [
    'typebox, which keeps them',
    typebox(
      Type.Object({
        name: Type.String(),
        home: Type.Optional(Type.Object({ city: Type.String() })),
      }),
    ),
  ],
];

/** For messages of gRPC. */
export const protovalidateUser: StandardSchema = userMessage();
