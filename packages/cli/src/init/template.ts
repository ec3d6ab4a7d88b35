/** How one text becomes a file of TypeScript or of JavaScript. */
export interface Dialect {
  /** The extension of source files. */
  readonly ext: 'ts' | 'js';
  /** What only TypeScript has: an annotation, or a line that imports types. */
  readonly ts: (text: string) => string;
}

/** The files that differ from framework to framework. */
export interface Template {
  /** What it is called where it is told to people. */
  readonly title: string;
  /** What its files import at run time. */
  readonly dependencies: readonly string[];
  /** Declarations that only the compiler needs. */
  readonly types: readonly string[];
  /** One call that is allowed, as typed into a shell; `$URL` and `$TOKEN` stand for what is known at run time. */
  readonly call: string;
  /** Files below the folder of the project, by their paths without extension or in full. */
  readonly files: (dialect: Dialect) => Readonly<Record<string, string>>;
}

export const DIALECTS: Readonly<Record<'typescript' | 'javascript', Dialect>> = Object.freeze({
  typescript: { ext: 'ts', ts: (text) => text },
  javascript: { ext: 'js', ts: () => '' },
});

/** Imports the type of who issues tokens, where there are types. */
export function trustedIssuer(ts: Dialect['ts']): string {
  return ts("import type { TrustedIssuer } from '@apisec/core';\n");
}

/** In every policy: who may read orders, behind the policies that are asked of anybody. */
export const READ_ORDERS = `    .use(authenticateJwt(trusted))
    .use(
      rateLimit({
        // Counted in this process alone; give it a shared store to count for all of them.
        limit: tokenBucket({ capacity: 20, refillPerSecond: 2 }),
        by: ({ principal }) => principal.id,
      }),
    )
    .use(requireScopes('orders:read'));
`;
