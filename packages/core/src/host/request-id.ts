const REQUEST_ID = /^[\w.~:/+=@-]{1,128}$/;

/**
 * The id of a call: the one given where it can be written anywhere as it is (letters, digits and `.~:/+=@-`, at most
 * 128), else a new one.
 */
export function requestIdFrom(given: unknown): string {
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : crypto.randomUUID();
}
