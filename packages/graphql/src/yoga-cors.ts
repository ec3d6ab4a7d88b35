import type { MaybePromise, RequestLike } from '@apisec/core';
import {
  assertCorsInFront,
  chain,
  fault,
  hasCors,
  report,
  UNKNOWN_PEER,
  withDenialLog,
} from '@apisec/core/host';
import { factsFor } from './decide-operation.ts';
import { headerFields } from './operation-answer.ts';
import { operationCall } from './operation-call.ts';
import { UNRESOLVED } from './operation-name.ts';
import type { HostCall, OperationPlan } from './operation-state.ts';
import { vettedEnforcement } from './vetted-enforcement.ts';
import { denialAnswer, type YogaAnswer } from './yoga-answer.ts';

const nothing = (): void => undefined;

/**
 * Yoga's own CORS stands in front of every plugin, and by default lets each origin read what its users can, with
 * credentials. Where the guard has `cors`, what Yoga says is taken away, and the guard answers preflights. Undefined
 * where it has none.
 *
 * @throws ConfigurationError for `cors` behind a policy that authenticates.
 */
export function corsOfGuard(
  where: string,
  plan: OperationPlan,
): ((answer: YogaAnswer, host: HostCall) => MaybePromise<void>) | undefined {
  const { onFault } = plan;
  // A preflight asks about no operation, so what all rows of a table begin with decides it.
  const admission = plan.beginning ?? plan.admission;
  if (!hasCors(plan.admission)) return undefined;
  assertCorsInFront(where, plan.admission);

  const decide = (request: RequestLike, host: HostCall) => {
    const peer = host.peer?.() ?? UNKNOWN_PEER;
    const call = operationCall(UNRESOLVED, [], undefined, nothing);
    const caller = {
      request,
      peer,
      certificate: host.certificate?.(),
      requestId: host.requestId?.(),
    };
    return admission.check(request, factsFor(caller, call));
  };
  return ({ request, response, setResponse, fetchAPI }, host) => {
    const ofYoga = [...response.headers.keys()].filter((name) => /^access-control-/i.test(name));
    for (const name of ofYoga) response.headers.delete(name);
    if (!isPreflight(request)) return;
    return chain(
      () => {
        const view = host.request();
        return chain(
          () => decide(view, host),
          (decision) => withDenialLog(decision, plan.denialLog, view),
        );
      },
      (decision) => {
        const { enforcement, unsendable } = vettedEnforcement(decision, onFault);
        const denial = unsendable ?? (decision.allowed ? undefined : decision.denial);
        const answer = denial === undefined ? response : denialAnswer(denial, fetchAPI);
        if (unsendable === undefined) enforcement.applyHeaders(headerFields(answer.headers));
        enforcement.complete({
          outcome: denial === undefined ? 'succeeded' : 'denied',
          status: answer.status,
        });
        setResponse(answer);
      },
      (cause) => {
        report(onFault, cause);
        setResponse(denialAnswer(fault('call.unattested', cause), fetchAPI));
      },
    );
  };
}

/** CORS protocol, as `cors` sees it. */
function isPreflight({ method, headers }: Request): boolean {
  return (
    method === 'OPTIONS' && headers.has('origin') && headers.has('access-control-request-method')
  );
}
