import type { Authorizer } from '@apisec/core';
import { subject as asType, type MongoAbility } from '@casl/ability';

/** What a CASL authorizer decides by. */
export interface CaslOptions {
  /** What somebody may do; undefined for nobody. */
  readonly abilityOf: (subject: string) => MongoAbility | undefined;
  readonly find: (type: string, id: string) => Readonly<Record<string, unknown>> | undefined;
  /** The ids of all resources of a type: what a search goes through. */
  readonly all: (type: string) => readonly string[];
}

/** Decides by CASL abilities in this process. */
export function caslAuthorizer({ abilityOf, find, all }: CaslOptions): Authorizer {
  const mayDo = (who: string, action: string, type: string, id: string): boolean => {
    const resource = find(type, id);
    // CASL takes a type without an object for "some object of this type", so it is never asked about one.
    if (resource === undefined) return false;
    return abilityOf(who)?.can(action, asType(type, { ...resource })) === true;
  };
  return {
    evaluate: ({ subject, action, resource }) => ({
      decision: mayDo(subject.id, action.name, resource.type, resource.id),
    }),
    searchResources: ({ subject, action, resource: { type } }) =>
      all(type).filter((id) => mayDo(subject.id, action.name, type, id)),
  };
}
