import { ConfigurationError } from '../lib/configuration-error.ts';
import type { Admission } from './admission.ts';
import { admissionOf, beginsWith } from './admitted-facts.ts';

/**
 * The facts of a call that `guard` admitted, typed by that guard. The carrier is what the framework hands to
 * handlers: the Express or Fastify request, the Hono context, the GraphQL context value, the gRPC call or its
 * metadata, the web `Request`.
 *
 * @throws ConfigurationError when neither this guard (or one of this table), nor a guard that begins with it,
 * admitted the call: the handler is mounted without its guard.
 */
export function factsOf<Facts extends object>(
  carrier: object,
  guard: Admission<never, Facts> | { readonly check: Admission<never, Facts>['check'] },
): Readonly<Facts> {
  for (let entry = admissionOf(carrier); entry !== undefined; entry = entry.earlier) {
    // An admission is only ever stored with the facts that its own check gave.
    if (beginsWith(entry.admission, guard)) return entry.facts as Readonly<Facts>;
  }
  throw new ConfigurationError(
    'factsOf: this guard did not admit the call. Mount secure(guard) in front of the handler.',
  );
}
