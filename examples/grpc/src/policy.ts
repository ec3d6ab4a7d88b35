import {
  type AuthenticatedFacts,
  allowAnonymous,
  authenticateJwt,
  field,
  guard,
  guardMessages,
  loadObject,
  type MessageFacts,
  messageMember,
  rateLimit,
  requireOwner,
  requireScopes,
  resource,
  type TrustedIssuer,
  tokenBucket,
  validateInput,
} from '@apisec/core';
import { z } from 'zod';

export interface Order {
  readonly id: string;
  readonly owner: string;
  readonly item: string;
}

const order = resource({
  name: 'order',
  fields: { id: field.text(), owner: field.text() },
  id: 'id',
  tenant: false,
});

const newOrder = z.object({ item: z.string().min(1).max(100) });

/**
 * Who may do what. A method of the service that is not named here does not start.
 *
 * @param find the order of an id, whoever owns it.
 */
export function ordersPolicy(trusted: TrustedIssuer, find: (id: string) => Order | undefined) {
  const caller = guard().use(authenticateJwt(trusted));
  const read = caller.use(requireScopes('orders:read'));
  const write = caller
    .use(requireScopes('orders:write'))
    .use(
      rateLimit({
        limit: tokenBucket({ capacity: 20, refillPerSecond: 2 }),
        by: ({ principal }) => principal.id,
      }),
    )
    // Each message: of the one that places an order, and of the many that import some.
    .use(validateInput({ body: newOrder }));
  // Of a stream, each message: the order that it names is loaded, and must be the caller's.
  const ownOrder = guard<AuthenticatedFacts & MessageFacts>()
    .use(loadObject(order, { id: messageMember('id'), load: find }))
    .use(requireOwner(order, { owner: 'owner' }));
  const track = caller.use(guardMessages(ownOrder)).use(requireScopes('orders:read'));
  // Load balancers have no token. What they ask is cheap, and the streams of strangers are counted.
  const probe = guard().use(allowAnonymous());
  // What the API looks like is shown to operators, where it is shown at all.
  const operate = caller.use(requireScopes('operations'));
  return { read, write, track, probe, operate };
}
