import { templateOf } from './path-template.ts';
import type { CoveredOperation, DocumentedOperation } from './served-operation.ts';

/** How what is served differs from what is documented. */
export interface DocumentedDifferences {
  /** Served, and in no document. */
  readonly undocumented: readonly string[];
  /** Documented, and not served. */
  readonly missing: readonly string[];
  /** Served still, and deprecated by the document. */
  readonly deprecated: readonly string[];
  /** Documented as open to anybody, and behind authentication; or the other way round. */
  readonly disagreeing: readonly string[];
  /** One sentence for each of them but `deprecated`, which is no fault. */
  readonly problems: readonly string[];
}

/** Compares by method and by path, whatever the parameters are called. */
export function compareOperations(
  served: readonly CoveredOperation[],
  documented: readonly DocumentedOperation[],
): DocumentedDifferences {
  const documents = new Map(documented.map((each) => [templateOf(each.operation), each]));
  const real = new Map<string, CoveredOperation>();
  for (const each of served) if (!each.nested) real.set(templateOf(each.operation), each);
  // A route for all methods serves each that is documented for its path.
  const servedFor = (key: string): CoveredOperation | undefined =>
    real.get(key) ?? real.get(key.replace(/^[A-Z]+ /, 'ALL '));
  const paths = new Set([...documents.keys()].map(pathOf));
  const undocumented = [...real]
    .filter(([key]) => !documents.has(key) && !(key.startsWith('ALL ') && paths.has(pathOf(key))))
    .map(([, { operation }]) => operation);
  const missing: string[] = [];
  const deprecated: string[] = [];
  const disagreeing: string[] = [];
  for (const [key, document] of documents) {
    const each = servedFor(key);
    if (each === undefined) {
      missing.push(document.operation);
      continue;
    }
    if (document.deprecated === true) deprecated.push(document.operation);
    const isAuthenticated = each.aspects.authentication === 'yes' || each.unlisted;
    if (document.authenticated !== undefined && document.authenticated !== isAuthenticated) {
      disagreeing.push(document.operation);
    }
  }
  const problems = [
    ...undocumented.map((name) => `${name} is served, but not documented.`),
    ...missing.map((name) => `${name} is documented, but not served.`),
    ...disagreeing.map((name) => `${name} is documented with other authentication than it has.`),
  ];
  return { undocumented, missing, deprecated, disagreeing, problems };
}

function pathOf(key: string): string {
  return key.slice(key.indexOf(' ') + 1);
}
