import {
  type AuthenticatedFacts,
  type CallFacts,
  field,
  guard,
  guardMessages,
  loadObject,
  type MessageFacts,
  type MessagesFacts,
  messageMember,
  type Policy,
  requireOwner,
  resource,
} from '@apisec/core';
import { INTERNAL } from './credentials.ts';

/** What the suite's callers own, and what they do not. */
interface Parcel {
  readonly id: number;
  readonly owner: string;
  readonly tenant: string;
}

const OWNER = 'readers';
/** By the amount that a call sends. Each id that is not here has no parcel. */
export const PARCELS = { own: 1, foreign: 2, otherTenant: 3, swapped: 4, broken: 5, missing: 9 };

const parcel = resource({
  name: 'parcel',
  fields: { id: field.integer(), owner: field.text(), tenant: field.text() },
  id: 'id',
  tenant: { field: 'tenant', of: () => 'here' },
});

function load(id: number): Parcel | undefined {
  switch (id) {
    case PARCELS.own:
      return { id, owner: OWNER, tenant: 'here' };
    case PARCELS.foreign:
      return { id, owner: 'somebody else', tenant: 'here' };
    case PARCELS.otherTenant:
      return { id, owner: OWNER, tenant: 'elsewhere' };
    case PARCELS.swapped:
      return { id: PARCELS.own, owner: OWNER, tenant: 'here' };
    case PARCELS.broken:
      throw new Error(INTERNAL);
    default:
      return undefined;
  }
}

const own = guard<CallFacts & AuthenticatedFacts & MessageFacts>()
  .use(loadObject(parcel, { id: messageMember('amount'), load }))
  .use(
    requireOwner(parcel, {
      owner: 'owner',
      caller: ({ principal }: AuthenticatedFacts) =>
        principal.scopes.has('orders:read') ? OWNER : undefined,
    }),
  );

/** Admits messages about parcels that the caller owns. */
export const ownParcel: Policy<
  CallFacts & AuthenticatedFacts,
  MessagesFacts<{ readonly parcel: Parcel }>,
  'check'
> = guardMessages(own);

/** The parcel that was loaded for the call. */
export function parcelOf(facts: object): Parcel {
  // The guards that `ownParcel` is in add it.
  return (facts as MessagesFacts<{ readonly parcel: Parcel }>).messages.only().parcel;
}
