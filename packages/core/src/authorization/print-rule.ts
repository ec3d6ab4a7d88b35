import { ruleData } from './rule-data.ts';
import { printParsed } from './rule-text.ts';

/**
 * A rule as text, for people: `subject.department == document.department && "manager" in subject.roles`.
 *
 * @throws ConfigurationError for what is not a rule.
 */
export function printRule(rule: { readonly rule: string }): string {
  return printParsed(ruleData('printRule', rule));
}

/**
 * Whether two rules say the same in the same order. Reasons count, too.
 *
 * @throws ConfigurationError for what is not a rule.
 */
export function equalRules(
  one: { readonly rule: string },
  other: { readonly rule: string },
): boolean {
  return (
    JSON.stringify(ruleData('equalRules', one)) === JSON.stringify(ruleData('equalRules', other))
  );
}
