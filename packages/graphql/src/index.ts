// For users.
export type { FieldFacts, FieldPolicies } from './field-policies.ts';
// For adapter authors.
export { type CompiledFields, compileFields } from './field-policies.ts';
export { expandCoordinate, type FieldGate, gateFields, openFields } from './gate-fields.ts';
export { operationName, UNRESOLVED } from './operation-name.ts';
export { refusalError } from './refusal-error.ts';
export { rootArguments } from './root-arguments.ts';
export { collectRootFields, listRootFields, type RootField } from './root-fields.ts';
