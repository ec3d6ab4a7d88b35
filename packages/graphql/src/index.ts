// For users.

export { assertTable } from './assert-table.ts';
export type { FieldFacts, FieldPolicies } from './field-policies.ts';
// For adapter authors.
export { type CompiledFields, compileFields, type FieldOperation } from './field-policies.ts';
export { expandCoordinate, gateFields, gateIntrospection } from './gate-fields.ts';
export { type FieldGate, openFields } from './open-operations.ts';
export { operationName, UNRESOLVED } from './operation-name.ts';
export { refusalError } from './refusal-error.ts';
export { rootArguments } from './root-arguments.ts';
export { collectRootFields, listRootFields, type RootField, rootTypesOf } from './root-fields.ts';
