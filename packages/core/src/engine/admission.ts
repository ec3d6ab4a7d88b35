import { assertConfiguration } from '../lib/configuration-error.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Decision } from './decision.ts';
import type { RequestLike } from './request.ts';

/** All that an adapter asks of a guard or a table: that it decides, and that somebody can pass. */
export interface Admission<in HostFacts extends object, out Facts extends object> {
  /** Decides. Never throws and never rejects; answers at once where all its policies do. */
  readonly check: (request: RequestLike, hostFacts: HostFacts) => MaybePromise<Decision<Facts>>;
  readonly role: 'grant';
}

interface Named {
  readonly name: string;
}

/**
 * For adapters, at mount: denies what could never protect, or never admit.
 *
 * @throws ConfigurationError
 */
export function assertAdmission(admission: unknown, where: string): void {
  const { check, role, name } = (admission ?? {}) as Partial<Admission<object, object> & Named>;
  // A policy has a name, and looks like a guard otherwise.
  assertConfiguration(
    typeof check === 'function' && name === undefined,
    `${where}: expected a guard. Write guard().use(policy).`,
  );
  assertConfiguration(
    role === 'grant',
    `${where}: this guard has no grant, so nobody could pass. End it with allowAnonymous(), ` +
      'allowAuthenticated(), requireScopes() or another grant.',
  );
}
