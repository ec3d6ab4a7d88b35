import { assertConfiguration } from '../lib/configuration-error.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import { copyOf, THIS_COPY } from './copies.ts';
import type { Decision } from './decision.ts';
import type { RequestLike } from './request.ts';

/** All that an adapter asks of a guard or a table: that it decides, and that somebody can pass. */
export interface Admission<in HostFacts extends object, out Facts extends object> {
  /** Decides. Never throws and never rejects; answers at once where all its policies do. */
  readonly check: (request: RequestLike, hostFacts: HostFacts) => MaybePromise<Decision<Facts>>;
  readonly role: 'grant';
}

interface Mounted extends Admission<object, object> {
  readonly name: string;
  readonly use: unknown;
  readonly needs: ReadonlyMap<string, string>;
}

/**
 * For adapters, at mount: does not mount what could never protect, or never admit. `supplied` names the facts
 * that the host supplies, so that a policy whose facts nobody adds is found here and not by every call.
 *
 * @throws ConfigurationError
 */
export function assertAdmission(
  admission: unknown,
  where: string,
  supplied?: readonly string[],
): void {
  const { check, role, name, use, needs } = (admission ?? {}) as Partial<Mounted>;
  // A policy has a name, and looks like a guard otherwise.
  assertConfiguration(
    typeof check === 'function' && name === undefined,
    `${where}: expected a guard. Write guard().use(policy).`,
  );
  const copy = copyOf(admission);
  assertConfiguration(
    copy === undefined || copy === THIS_COPY,
    `${where}: this guard was made by a second copy of @apisec/core in the same process. ` +
      'Install one version, and import it in one module format.',
  );
  assertConfiguration(
    role === 'grant',
    `${where}: this guard has no grant, so nobody could pass. End it with allowAnonymous(), ` +
      'allowAuthenticated(), requireScopes() or another grant' +
      // The usual mistake in JavaScript: `const g = guard(); g.use(a); g.use(b);`
      (typeof use === 'function' ? '; use() returns a new guard, so keep what it returns.' : '.'),
  );
  if (supplied === undefined || !(needs instanceof Map)) return;
  for (const [fact, policy] of needs) {
    assertConfiguration(
      supplied.includes(fact),
      `${where}: ${policy} needs the fact "${fact}", which no policy before it adds` +
        ` and this host does not supply.${hintFor(fact)}`,
    );
  }
}

function hintFor(fact: string): string {
  if (fact === 'principal' || fact === 'authentication') {
    return ' Put a policy that authenticates before it, like authenticateJwt().';
  }
  if (fact === 'bodies') return ' Give protect the option bodies: fetchBodies().';
  return fact === 'rawBody'
    ? ' Set the option rawBody, or bodies: fetchBodies({ raw: true }).'
    : '';
}
