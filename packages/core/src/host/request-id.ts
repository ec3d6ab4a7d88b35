import { stateOf } from '../lib/state-of.ts';

const REQUEST_ID = /^[\w.~:/+=@-]{1,128}$/;

/**
 * The id of a call: the one given where it can be written anywhere as it is (letters, digits and `.~:/+=@-`, at most
 * 128), else a new one.
 */
export function requestIdFrom(given: unknown): string {
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : crypto.randomUUID();
}

const ids = stateOf<string>('apisec.request_id');

/** The same for whatever stands for a call in its host: what was given first stays, however often it is asked. */
export function requestIdOf(call: object, given?: () => unknown): string {
  let id = ids.get(call);
  if (id === undefined) {
    id = requestIdFrom(given?.());
    ids.set(call, id);
  }
  return id;
}
