// For users.

// For adapter authors.
export { assertTable } from './assert-table.ts';
export { checkBefore, checkDocument, checkErrors, resolveText } from './check-before.ts';
export { type Caller, type OperationDecision } from './decide-operation.ts';
export { denialError } from './denial-error.ts';
export { deniedDocument, deniedText } from './denied-document.ts';
export { type DocumentationPages, showsPages } from './documentation-pages.ts';
export type { ExecutionLimitsOptions } from './execution-limits.ts';
export type { FieldDirectivesOptions } from './fields/directive-policies.ts';
export type { FieldFacts } from './fields/field-facts.ts';
export { type FieldId, fieldArgument, sourceMember } from './fields/field-ids.ts';
export type { FieldPolicies } from './fields/field-policies.ts';
export {
  type CompiledFields,
  compileFields,
  type FieldOperation,
  type OpenFields,
} from './fields/field-policies.ts';
export { gateFields, gateIntrospection } from './fields/gate-fields.ts';
export { expandCoordinate } from './fields/guarded-coordinates.ts';
export { type FieldGate, openFields, signalOf } from './fields/open-operations.ts';
export { checkPart, releaseResult } from './guarded-events.ts';
export { decide } from './guarded-operation.ts';
export { HOST_OPTIONS, type HostOptions } from './host-call.ts';
export {
  type HostedOperation,
  type HostedRequest,
  hostOperation,
} from './hosted-operation.ts';
export { documentedOperations, type InventoryOptions, inventoryOf } from './inventory.ts';
export { analyzeOperation, type OperationAnalysis } from './limits/analyze-operation.ts';
export type { CostRules } from './limits/cost-rules.ts';
export type { DocumentBoundsOptions } from './limits/document-bounds.ts';
export { type DocumentBounds, documentBounds } from './limits/document-bounds.ts';
export {
  type LimitOperationOptions,
  limitOperation,
  operationCost,
  operationCostSpent,
} from './limits/limit-operation.ts';
export {
  certificateOf,
  type HttpView,
  type KnownCaller,
  knownCallerOf,
  peerOfContext,
  requestOf,
  setCaller,
  viewRequest,
} from './node-context.ts';
export { type Opening, openOperation } from './open-operation.ts';
export { applyFieldHeaders, cacheability, headerFields, tellId } from './operation-answer.ts';
export { type Batch, newBatch } from './operation-batch.ts';
export { type OperationSource, sourceOf } from './operation-call.ts';
export { complete, disconnect } from './operation-ending.ts';
export { operationName, UNRESOLVED } from './operation-name.ts';
export type { OperationOptions } from './operation-plan.ts';
export { OPERATION_OPTIONS, operationPlan, type PreparedPlan } from './operation-plan.ts';
export type { HostCall, OperationPlan, OperationState } from './operation-state.ts';
export { rootArguments } from './root-arguments.ts';
export { collectRootFields, listRootFields, type RootField, rootTypesOf } from './root-fields.ts';
export { isFailure, safeError, shownErrors } from './safe-errors.ts';
export {
  type BuildOptions,
  buildTrustedDocuments,
  type DocumentSource,
} from './trusted/build-trusted-documents.ts';
export type { TrustedOptions } from './trusted/trust-plan.ts';
export { type TrustedDocuments, trustedDocuments } from './trusted/trusted-documents.ts';
export { watchParts } from './watched-parts.ts';
