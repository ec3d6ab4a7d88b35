import type { Denial } from '@apisec/core';
import { assertConfiguration, isDevelopment } from '@apisec/core/host';

/** An option of servers that show pages by themselves. */
export interface DocumentationPages {
  /**
   * Whether anybody may see the pages that the server shows by itself: GraphiQL, landing pages, links to explorers.
   * They are not operations, so no guard is asked about them. Default: while somebody develops (`NODE_ENV` is
   * `development`).
   */
  readonly documentationPages?: boolean | undefined;
}

/** In place of a page. */
export const PAGE_DISABLED: Denial = Object.freeze({
  kind: 'not_found',
  code: 'page.disabled',
  detail: 'Documentation pages are off here.',
});

/**
 * Whether the pages are shown.
 *
 * @throws ConfigurationError for an option that is neither true nor false.
 */
export function showsPages(where: string, { documentationPages }: DocumentationPages): boolean {
  assertConfiguration(
    documentationPages === undefined || typeof documentationPages === 'boolean',
    `${where}: documentationPages must be true or false.`,
  );
  return documentationPages ?? isDevelopment();
}
