import { type Case, type Expectation, honest } from '../case.ts';
import { PARCELS } from '../object-policies.ts';

const about = (name: string, amount: unknown, expect: Expectation, operation = 'parcel'): Case => ({
  name,
  operation,
  authorization: honest,
  message: { amount },
  expect,
});
const shared = (name: string, amount: unknown, expect: Expectation): Case =>
  about(name, amount, expect, 'sharedParcel');
const NOT_FOUND: Expectation = { allowed: false, kind: 'not_found', code: 'object.not_found' };
/** Of the object itself, or of what the caller has to do with it. */
const unavailable = (code: string): Expectation => ({
  allowed: false,
  kind: 'unavailable',
  code,
  retryAfter: true,
});
const MALFORMED: Expectation = {
  allowed: false,
  kind: 'malformed',
  code: 'object.id_malformed',
};

/** Objects that the message of a call names. */
export const objectCases: readonly Case[] = [
  about('a message that names an object of the caller', PARCELS.own, {
    allowed: true,
    // The handler answers what was loaded for it.
    reply: { id: 'parcel-1 of readers' },
  }),
  about('a message that names an object of somebody else', PARCELS.foreign, {
    allowed: false,
    kind: 'forbidden',
    code: 'object.not_owned',
  }),
  about('a message that names an object of another tenant', PARCELS.otherTenant, NOT_FOUND),
  about('a message for which a loader answers another object', PARCELS.swapped, NOT_FOUND),
  about('a message that names an object that is not there', PARCELS.missing, NOT_FOUND),
  about('a message that names half an object', 1.5, MALFORMED),
  about('a message that names an object beyond all numbers', 2 ** 60, MALFORMED),
  about(
    'a message whose object cannot be loaded',
    PARCELS.broken,
    unavailable('object.unavailable'),
  ),
  shared('a message that names an object shared with the caller', PARCELS.own, {
    allowed: true,
    reply: { id: 'parcel-1 of readers' },
  }),
  shared('a message that names an object not shared with the caller', PARCELS.foreign, {
    allowed: false,
    kind: 'forbidden',
    code: 'rule.denied',
  }),
  shared('a message that names a shared object of another tenant', PARCELS.otherTenant, NOT_FOUND),
  shared('a message that names half a shared object', 1.5, MALFORMED),
  shared(
    'a message that names an object of which nobody answers with whom it is shared',
    PARCELS.unanswered,
    unavailable('relation.unavailable'),
  ),
  shared(
    'a message that names an object of which something is answered that is not true or false',
    PARCELS.nonsense,
    unavailable('relation.unavailable'),
  ),
  {
    name: 'a call that names a shared object and does not say who calls',
    operation: 'sharedParcel',
    message: { amount: PARCELS.own },
    expect: { allowed: false, kind: 'unauthenticated', code: 'credentials.missing' },
  },
  {
    name: 'a call that names an object and does not say who calls',
    operation: 'parcel',
    message: { amount: PARCELS.own },
    expect: { allowed: false, kind: 'unauthenticated', code: 'credentials.missing' },
  },
];
