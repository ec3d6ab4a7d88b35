import { assertConfiguration } from '../lib/configuration-error.ts';
import type { PolicyInfo } from './policy.ts';

/** What the policies of a guard so far need from the host, and which of them adds which fact. */
export interface FactFlow {
  /** Facts that no policy in front adds: the host must supply them. Each with who needs it first. */
  readonly needed: ReadonlyMap<string, string>;
  readonly added: ReadonlyMap<string, string>;
}

export const NO_FLOW: FactFlow = { needed: new Map(), added: new Map() };

/**
 * The flow with one policy more. TypeScript says all of this while the guard is written; in JavaScript it is
 * said when the guard is built, instead of by every call.
 *
 * @throws ConfigurationError when a fact would be added twice, or is needed by a policy in front.
 */
export function extendFlow(
  { needed, added }: FactFlow,
  { name, mode, needs = [], adds = [] }: PolicyInfo,
): FactFlow {
  const asks = new Map(needed);
  for (const fact of needs) if (!added.has(fact) && !asks.has(fact)) asks.set(fact, name);
  if (mode === 'shadow') return { needed: asks, added };
  const has = new Map(added);
  for (const fact of adds) {
    const earlier = needed.get(fact);
    assertConfiguration(
      earlier === undefined,
      `use(): ${earlier} needs "${fact}", which ${name} adds after it. Put ${name} first.`,
    );
    assertConfiguration(
      !has.has(fact),
      `use(): ${name} adds "${fact}", which ${has.get(fact)} already adds. Combine the two with anyOf().`,
    );
    has.set(fact, name);
  }
  return { needed: asks, added: has };
}

/** What is needed by policies of which one is enough, and what each of them adds. */
export function flowOfAny(
  parts: readonly PolicyInfo[],
): Required<Pick<PolicyInfo, 'needs' | 'adds'>> {
  const [first, ...others] = parts;
  return {
    needs: [...new Set(parts.flatMap(({ needs = [] }) => needs))],
    adds: (first?.adds ?? []).filter((fact) =>
      others.every(({ adds = [] }) => adds.includes(fact)),
    ),
  };
}

/** What is needed by policies that run one after the other, and what they add together. */
export function flowOfAll(
  parts: readonly PolicyInfo[],
): Required<Pick<PolicyInfo, 'needs' | 'adds'>> {
  const { needed, added } = parts.reduce(extendFlow, NO_FLOW);
  return { needs: [...needed.keys()], adds: [...added.keys()] };
}
