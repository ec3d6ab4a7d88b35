import type { Result } from './result.ts';

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
              shortDescription: { text: title },
              properties: { tags: ['security', owasp] },
            })),
          },
        },
        results: results
          .filter(({ outcome }) => outcome === 'succeeded')
          .map(({ id, title, evidence = '' }) => ({
            ruleId: id,
            level: 'error',
            message: { text: `${title}: ${evidence}` },
            locations: [{ physicalLocation: { artifactLocation: { uri: target } } }],
          })),
      },
    ],
  };
}
