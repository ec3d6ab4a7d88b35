import { safeText } from '@apisec/core/host';
import type { Result } from './result.ts';

const MOST_TEXT = 1_000;

/** Results as SARIF 2.1.0, for code scanning. */
export function toSarif(results: readonly Result[], target: string): object {
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'apisec',
            informationUri: 'https://github.com/apisec/apisec',
            rules: results.map(({ id, owasp, title }) => ({
              id,
              shortDescription: { text: safeText(title, MOST_TEXT) },
              properties: { tags: ['security', owasp] },
            })),
          },
        },
        results: results
          .filter(({ outcome }) => outcome === 'succeeded')
          .map(({ id, title, evidence = '' }) => ({
            ruleId: id,
            level: 'error',
            message: { text: safeText(`${title}: ${evidence}`, MOST_TEXT) },
            locations: [{ physicalLocation: { artifactLocation: { uri: target } } }],
          })),
      },
    ],
  };
}
