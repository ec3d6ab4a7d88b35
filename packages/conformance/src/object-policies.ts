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
  relation,
  require,
  requireOwner,
  resource,
  rule,
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
export const PARCELS = {
  own: 1,
  foreign: 2,
  otherTenant: 3,
  swapped: 4,
  broken: 5,
  unanswered: 6,
  nonsense: 7,
  missing: 9,
};

const parcel = resource({
  name: 'parcel',
  fields: { id: field.integer(), owner: field.text(), tenant: field.text() },
  id: 'id',
  tenant: { field: 'tenant', of: () => 'here' },
});

function load(id: number): Parcel | undefined {
  switch (id) {
    case PARCELS.own:
    case PARCELS.unanswered:
    case PARCELS.nonsense:
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

/** Whom parcels are shared with: not a column, but something that is asked for. */
const reader = relation('reader', {
  check: async (_subject: string, id: number) => {
    if (id === PARCELS.unanswered) throw new Error(INTERNAL);
    // What JavaScript would take for true.
    if (id === PARCELS.nonsense) return 'yes' as unknown as boolean;
    return id === PARCELS.own || id === PARCELS.otherTenant;
  },
  list: () => [PARCELS.own],
});

/** Admits messages about parcels that the caller has the relation to. */
export const sharedParcel: Policy<
  CallFacts & AuthenticatedFacts,
  MessagesFacts<{ readonly parcel: Parcel }>,
  'check'
> = guardMessages(
  guard<CallFacts & AuthenticatedFacts & MessageFacts>()
    .use(loadObject(parcel, { id: messageMember('amount'), load }))
    .use(require(rule.related(reader, rule.caller.subject, parcel.id))),
);

/** The parcel that was loaded for the call. */
export function parcelOf(facts: object): Parcel {
  // The guards that `ownParcel` or `sharedParcel` is in add it.
  return (facts as MessagesFacts<{ readonly parcel: Parcel }>).messages.only().parcel;
}
