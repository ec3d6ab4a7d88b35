import { assertConfiguration } from '../lib/configuration-error.ts';
import { isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import { hasHostName, normalizeOrigin } from './origin.ts';

/** Origins that match a rule; made by `subdomainsOf`. */
export interface OriginPattern {
  /** For people: `https://*.example.com`. */
  readonly pattern: string;
  readonly covers: (origin: string) => boolean;
}

/** Which origins an option lists: exact ones, and patterns. */
export interface OriginRules {
  readonly exact: readonly string[];
  readonly patterns: readonly OriginPattern[];
}

/**
 * Reads a list of origins. Each is `scheme://host[:port]`, compared exactly, or what `subdomainsOf` gives.
 *
 * @throws ConfigurationError for anything else.
 */
export function readOriginRules(
  where: string,
  option: string,
  origins: readonly unknown[],
): OriginRules {
  const exact: string[] = [];
  const patterns: OriginPattern[] = [];
  for (const each of origins) {
    if (isPattern(each)) patterns.push(each);
    else exact.push(readOrigin(where, option, each));
  }
  return { exact, patterns };
}

function isPattern(value: unknown): value is OriginPattern {
  return typeof (value as Partial<OriginPattern> | null | undefined)?.covers === 'function';
}

/** Reads one origin. */
export function readOrigin(where: string, option: string, value: unknown): string {
  const origin = normalizeOrigin(value) ?? '';
  assertConfiguration(
    hasHostName(origin),
    `${where}: ${option}: ${JSON.stringify(value)} is not an origin. Write scheme://host[:port], or ` +
      "subdomainsOf('https://example.com').",
  );
  return origin;
}

/** True for an origin in its one form, with a host that can be one: only such are shown to rules of applications. */
export function isWellFormed(origin: string): boolean {
  return normalizeOrigin(origin) === origin && hasHostName(origin);
}

/** Says whether an origin is allowed. Only `true` allows. */
export type OriginPredicate<Needs extends object> = (
  origin: string,
  facts: Readonly<Needs>,
) => MaybePromise<boolean>;

/** An `originPredicate` that was looked at once. */
export interface OriginRule<Needs extends object> {
  readonly allows: (origin: string, facts: Readonly<Needs>) => MaybePromise<boolean>;
  /** True once the rule has allowed an origin that nobody can own. */
  readonly isOpen: () => boolean;
}

/** A rule that allows an origin nobody owns allows all of them, and so is `origins: '*'` in disguise. */
export function readPredicate<Needs extends object>(
  where: string,
  predicate: OriginPredicate<Needs> | undefined,
): OriginRule<Needs> | undefined {
  if (predicate === undefined) return undefined;
  assertConfiguration(
    typeof predicate === 'function',
    `${where}: originPredicate must be a function.`,
  );
  let open = false;
  let answer: unknown;
  try {
    // It may read facts that are not here, and throw; a call that makes it throw is denied.
    answer = predicate('https://apisec-probe.invalid', {} as Readonly<Needs>);
  } catch {
    // It does not allow everyone.
  }
  if (isThenable(answer)) {
    answer.then(
      (late) => (open = late === true),
      () => undefined,
    );
  }
  assertConfiguration(
    answer !== true,
    `${where}: originPredicate allows every origin. Compare whole origins in it.`,
  );
  return { allows: predicate, isOpen: () => open };
}
