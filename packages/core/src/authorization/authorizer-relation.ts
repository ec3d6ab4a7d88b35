import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions, assertMethods } from '../lib/options.ts';
import { isObject, member } from '../lib/strict-json.ts';
import type { Authorizer } from './authorizer.ts';
import type { RelationContext } from './relation.ts';

/** Options of {@link authorizerRelation}. */
export interface AuthorizerRelationOptions {
  /** The type of the subject, as the decision point knows it. */
  readonly subject: string;
  /** The name of the action. */
  readonly action: string;
  /** The type of the resource. */
  readonly resource: string;
  /**
   * The same for every question; the tenant of the call, where there is one, comes to it as `tenant`. What differs from
   * call to call belongs into a rule beside the relation.
   */
  readonly context?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Makes a relation of what somebody else decides, so that a rule may ask about it: for one object by an evaluation,
 * for a list by a search. One that cannot be asked is undecidable: `relation.unavailable` (503).
 *
 * @throws ConfigurationError without an authorizer, types and an action.
 * @example
 * const reads = relation('reads', authorizerRelation(pdp, {
 *   subject: 'user',
 *   action: 'read',
 *   resource: 'document',
 * }));
 * const read = require(rule.related(reads, rule.caller.id, document.id));
 */
export function authorizerRelation(
  authorizer: Authorizer,
  options: AuthorizerRelationOptions,
): {
  readonly check: (subject: string, object: string, where?: RelationContext) => Promise<boolean>;
  /** Where the authorizer answers several questions at once. */
  readonly checkMany?: (
    subject: string,
    objects: readonly string[],
    where?: RelationContext,
  ) => Promise<readonly string[]>;
  readonly list: (subject: string, where?: RelationContext) => Promise<readonly string[]>;
} {
  const where = 'authorizerRelation';
  assertMethods(where, 'authorizer', authorizer ?? {}, ['evaluate'], 'authzenAuthorizer()');
  assertKnownOptions(where, options, ['subject', 'action', 'resource', 'context']);
  const { subject, action, resource, context } = options;
  for (const name of ['subject', 'action', 'resource'] as const) {
    assertConfiguration(
      typeof options[name] === 'string' && options[name] !== '',
      `${where}: ${name} must be a name that the decision point knows.`,
    );
  }
  const about = (id: string, { tenant }: RelationContext = {}) => ({
    subject: { type: subject, id },
    action: { name: action },
    ...(tenant === undefined ? context && { context } : { context: { ...context, tenant } }),
  });
  const { evaluateAll } = authorizer;
  const checkMany = async (
    id: string,
    objects: readonly string[],
    asked?: RelationContext,
  ): Promise<readonly string[]> => {
    const questions = objects.map((object) => ({
      ...about(id, asked),
      resource: { type: resource, id: object },
    }));
    const answers = (await evaluateAll?.(questions)) ?? [];
    // A missing answer would move all later ones to the object before.
    if (answers.length !== objects.length)
      throw new TypeError(`${where}: the number of answers is not that of the questions`);
    return objects.filter((_, at) => {
      return decisionOf(answers[at]);
    });
  };
  return Object.freeze({
    ...(evaluateAll && { checkMany }),
    check: async (id: string, object: string, asked?: RelationContext) => {
      const question = { ...about(id, asked), resource: { type: resource, id: object } };
      return decisionOf(await authorizer.evaluate(question));
    },
    list: async (id: string, asked?: RelationContext) => {
      if (authorizer.searchResources === undefined) {
        throw new Error(`${where}: this authorizer cannot search, so nothing can be listed`);
      }
      return authorizer.searchResources({ ...about(id, asked), resource: { type: resource } });
    },
  });
}

/** Reads only its own members, so that a polluted prototype decides nothing. */
function decisionOf(answer: unknown): boolean {
  const decision = isObject(answer) ? member(answer, 'decision') : undefined;
  if (typeof decision !== 'boolean') {
    throw new TypeError('authorizerRelation: neither true nor false');
  }
  return decision;
}
