import { safeText } from '@apisec/core/host';
import type { Result } from './result.ts';

/** Results as JUnit XML, which every pipeline reads. */
export function toJunit(results: readonly Result[]): string {
  const count = (outcome: Result['outcome']): number =>
    results.filter((each) => each.outcome === outcome).length;
  const cases = results.map(({ id, owasp, title, outcome, evidence = '' }) => {
    const inner =
      outcome === 'succeeded'
        ? `<failure message="${text(evidence)}"/>`
        : outcome === 'skipped'
          ? `<skipped message="${text(evidence)}"/>`
          : '';
    return `  <testcase classname="${text(`${owasp}.${id}`)}" name="${text(title)}">${inner}</testcase>`;
  });
  const totals = `tests="${results.length}" failures="${count('succeeded')}" skipped="${count('skipped')}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="apisec attack" ${totals}>
${cases.join('\n')}
</testsuite>
`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

/** `safeText` escapes the control characters that XML cannot hold; it cannot hold these two either. */
function text(value: string): string {
  const legal = safeText(value, 1_000).replace(/[\ufffe\uffff]/g, '\ufffd');
  return legal.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? '');
}
