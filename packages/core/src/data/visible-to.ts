import { type OutputShape, RESTRICTED, type Restricted } from './restricted-shape.ts';
import { assertVisibility, type Visibility } from './visibility.ts';

/**
 * Shows a part of the output only to callers who have one of the roles, and all of the scopes; for others it is not
 * there. Nobody sees it without a principal.
 *
 * @throws ConfigurationError without a role or scope.
 * @example
 * filterOutput({ shape: { id: 'value', salary: visibleTo({ roles: ['payroll'] }, 'value') } })
 */
export function visibleTo(who: Visibility, shape: OutputShape): Restricted {
  assertVisibility('visibleTo', who);
  return Object.freeze({ [RESTRICTED]: { visibleTo: who, shape } });
}
