import type { Authorizer, AuthorizerEntity } from '@apisec/core';
import {
  type EntityJson,
  preparsePolicySet,
  statefulIsAuthorized,
  type TypeAndId,
} from '@cedar-policy/cedar-wasm/nodejs';

/** What a Cedar authorizer decides by. */
export interface CedarOptions {
  /** Policies in Cedar's own language. */
  readonly policies: string;
  /** The entity with its attributes; undefined for one that does not exist. */
  readonly find: (entity: TypeAndId) => Omit<EntityJson, 'uid'> | undefined;
  /** The ids of all entities of a type: what a search goes through. */
  readonly all: (type: string) => readonly string[];
}

/**
 * Decides by Cedar policies in this process.
 *
 * Cedar leaves a policy out that fails on a question, also one that forbids. Such an answer is not taken: the call is
 * denied with 503, and operators hear why.
 */
export function cedarAuthorizer({ policies, find, all }: CedarOptions): Authorizer {
  const preparsedPolicySetId = crypto.randomUUID();
  const parsed = preparsePolicySet(preparsedPolicySetId, { staticPolicies: policies });
  if (parsed.type === 'failure') throw new Error(`Cedar policies: ${parsed.errors[0]?.message}`);

  const evaluate: Authorizer['evaluate'] = ({ subject, action, resource }) => {
    const [who, what] = [entityOf(subject), entityOf(resource)];
    const entities = [who, what].flatMap((uid) => {
      const found = find(uid);
      return found === undefined ? [] : [{ uid, ...found }];
    });
    // Nothing is decided about what does not exist.
    if (entities.length < 2) return { decision: false };
    const answer = statefulIsAuthorized({
      principal: who,
      action: { type: 'Action', id: action.name },
      resource: what,
      context: {},
      preparsedPolicySetId,
      validateRequest: false,
      entities,
    });
    if (answer.type === 'failure') throw new Error(`Cedar: ${answer.errors[0]?.message}`);
    const { decision, diagnostics } = answer.response;
    const [failed] = diagnostics.errors;
    if (failed !== undefined)
      throw new Error(`Cedar: policy ${failed.policyId}: ${failed.error.message}`);
    return { decision: decision === 'allow' };
  };
  return {
    evaluate,
    searchResources: async ({ resource: { type }, ...question }) => {
      const ids: string[] = [];
      for (const id of all(type)) {
        const { decision } = await evaluate({ ...question, resource: { type, id } });
        if (decision) ids.push(id);
      }
      return ids;
    },
  };
}

const entityOf = ({ type, id }: AuthorizerEntity): TypeAndId => ({ type, id });
