import type { Decision } from '../engine/decision.ts';
import type { TraceEntry } from '../engine/trace.ts';
import { describeCause } from './describe-cause.ts';

/**
 * A decision in words, one line for each policy that ran, and below each denial its cause: what was expected and what
 * came. For logs and for the developer's eyes, never for the caller. What looks like a secret is not in it, nor
 * is any of `secrets`: the credentials of the call, where you have them.
 *
 * @example
 * const decision = await guard().use(allowAnonymous()).check(request, facts);
 * console.log(explain(decision));
 */
export function explain(decision: Decision<object>, secrets: readonly string[] = []): string {
  const head = decision.allowed
    ? 'allowed'
    : `denied: ${decision.denial.kind} ${decision.denial.code}`;
  return [head, ...lines(decision.trace, '  ', secrets)].join('\n');
}

function lines(
  trace: readonly TraceEntry[],
  indent: string,
  secrets: readonly string[],
): readonly string[] {
  return trace.flatMap((entry) => {
    const { denial } = entry;
    const parts = [`${indent}${entry.policy} (${entry.role}) ${entry.verdict.replace('_', ' ')}`];
    if (denial) parts.push(`: ${denial.kind} ${denial.code}`);
    if (denial?.detail) parts.push(` (${denial.detail})`);
    if (entry.degraded) parts.push(`, degraded: ${entry.degraded}`);
    const within = lines(entry.within ?? [], `${indent}  `, secrets);
    // A combination denies with the denial of one of its parts, which says why.
    const isSaid = entry.within?.some((part) => part.denial?.cause === denial?.cause) === true;
    const cause = isSaid ? undefined : describeCause(denial?.cause, secrets);
    return [
      parts.join(''),
      ...(cause === undefined ? [] : [`${indent}  cause: ${oneLine(cause)}`]),
      ...within,
    ];
  });
}

/** A cause may hold text of the caller, which must not begin a line of its own. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
}
