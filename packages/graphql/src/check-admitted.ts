import type { Denial, MaybePromise, RequestLike } from '@apisec/core';
import { OperationTypeNode } from 'graphql';
import { isTable } from './decide-operation.ts';
import { deniedIntrospection } from './introspection.ts';
import { analyzeOperation } from './limits/analyze-operation.ts';
import type { OperationSource } from './operation-call.ts';
import type { OperationState } from './operation-state.ts';
import { checkFree } from './trusted/trust-plan.ts';

/** What is not the guard's to decide: why an operation that it admitted is not executed all the same. */
export function checkAdmitted(
  state: OperationState,
  source: OperationSource,
  request: RequestLike,
): MaybePromise<Denial | undefined> {
  const { plan, host, decided, untrusted } = state;
  const { admission, introspection, trusted, maxBatchCost } = plan;
  const { schema, operation } = source;
  if (operation.operation === OperationTypeNode.MUTATION && SAFE_METHODS.has(request.method))
    return UNSAFE;
  if (operation.operation === OperationTypeNode.MUTATION && !isAcceptable(request, host.answers))
    return NOT_ACCEPTABLE;
  if (!introspection) {
    const isListed = (coordinate: string): boolean =>
      isTable(admission) && admission.operations.includes(coordinate);
    const denial = deniedIntrospection(decided?.roots ?? [], schema, isListed);
    if (denial) return denial;
  }
  if (host.batch && maxBatchCost !== Number.POSITIVE_INFINITY) {
    host.batch.cost += analyzeOperation(source, plan.costRules).cost;
    if (host.batch.cost > maxBatchCost) return BATCH_COST;
  }
  if (!untrusted || !trusted) return undefined;
  const joined = decided?.joined;
  return checkFree(trusted, request, joined?.allowed ? joined.facts : {});
}

/**
 * Whether the caller accepts one of the media types (RFC 9110 §12.5.1). Servers find out when the operation has run:
 * the caller then reads that nothing could be answered, and sends the mutation again.
 */
function isAcceptable({ headers }: RequestLike, types: readonly string[] | undefined): boolean {
  const accept = headers.get('accept')?.toLowerCase() ?? '';
  if (types === undefined || accept === '') return true;
  return accept.split(',').some((choice) => {
    const [range = '', ...parameters] = choice.split(';').map((part) => part.trim());
    // All answers are in UTF-8.
    if (parameters.some((each) => /^q=0(?:\.0*)?$|^charset=(?!"?utf-8"?$)/.test(each)))
      return false;
    return types.some((type) => type === range || isRangeOf(range, type));
  });
}

function isRangeOf(range: string, type: string): boolean {
  return range === '*/*' || (range.endsWith('/*') && type.startsWith(range.slice(0, -1)));
}

/** They change nothing, so browsers send them on behalf of other origins, and caches answer them. */
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY']);
const UNSAFE: Denial = Object.freeze({
  kind: 'method_not_allowed',
  code: 'operation.unsafe_method',
  detail: 'Mutations are sent with POST.',
});
const NOT_ACCEPTABLE: Denial = Object.freeze({
  kind: 'unsupported',
  code: 'http.not_acceptable',
  detail: 'The answer is not available in a form that the caller accepts.',
});
const BATCH_COST: Denial = Object.freeze({
  kind: 'malformed',
  code: 'batch.too_costly',
  detail: 'The operations of the batch cost more together than allowed.',
});
