// For users.
export { analyzeOperation, type CostRules, type OperationAnalysis } from './analyze-operation.ts';

// For adapter authors.
export { assertTable } from './assert-table.ts';
export { type Caller, type OperationDecision } from './decide-operation.ts';
export { denialError } from './denial-error.ts';
export { deniedDocument, deniedText } from './denied-document.ts';
export type { DocumentBoundsOptions } from './document-bounds.ts';
export { type DocumentBounds, documentBounds } from './document-bounds.ts';
export type { FieldFacts, FieldPolicies } from './field-policies.ts';
export { type CompiledFields, compileFields, type FieldOperation } from './field-policies.ts';
export { expandCoordinate, gateFields, gateIntrospection } from './gate-fields.ts';
export {
  applyFieldHeaders,
  applyHeaders,
  type Batch,
  beginOperation,
  cacheability,
  checkBefore,
  checkDocument,
  complete,
  decide,
  disconnect,
  type HostCall,
  newBatch,
  type Opening,
  type OperationPlan,
  type OperationState,
  openOperation,
  release,
} from './guarded-operation.ts';
export { type LimitOperationOptions, limitOperation, operationCost } from './limit-operation.ts';
export {
  certificateOf,
  type HttpView,
  peerOfContext,
  requestOf,
  viewRequest,
} from './node-context.ts';
export { type FieldGate, openFields } from './open-operations.ts';
export { type OperationSource, sourceOf } from './operation-call.ts';
export { operationName, UNRESOLVED } from './operation-name.ts';
export type { OperationOptions } from './operation-plan.ts';
export { OPERATION_OPTIONS, operationPlan, type PreparedPlan } from './operation-plan.ts';
export { rootArguments } from './root-arguments.ts';
export { collectRootFields, listRootFields, type RootField, rootTypesOf } from './root-fields.ts';
export { safeError } from './safe-errors.ts';
