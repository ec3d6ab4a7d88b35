import { versions } from 'node:process';

/**
 * Until V8 13 (Node 24) an object on which `Object.setPrototypeOf` was called, as Express does with each request and
 * response, gets a hidden class of its own for each property that is added later, which no compiled code knows. Once a
 * property was taken away it is a dictionary, and dictionaries of one prototype share a class. From V8 13 on hidden
 * classes are shared as well, and dictionaries are the slower ones. See decision 034.
 */
export function profitsFromDictionaries({ v8, bun }: Partial<NodeJS.ProcessVersions>): boolean {
  // Bun tells a version of V8, and has another engine.
  return bun === undefined && Number.parseInt(v8 ?? '', 10) < 13;
}

/**
 * Makes an object a dictionary where that saves time: nothing of it changes but the order of its properties. One that
 * still has the prototype of its class, outside Express, is left as it is.
 *
 * @param key one that Node sets in the constructor: to take away the property that was added last would only step back.
 */
export const preferDictionary: (object: object, key: string) => void = profitsFromDictionaries(
  versions,
)
  ? toDictionary
  : () => undefined;

/** Takes a property away and puts it back. */
export function toDictionary(object: object, key: string): void {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype === null || Object.hasOwn(prototype as object, 'constructor')) return;
  const own = Object.getOwnPropertyDescriptor(object, key);
  // What could not be put back as it was stays. HTTP/2 has accessors on its prototypes instead.
  if (own?.writable !== true || own.configurable !== true || !Object.isExtensible(object)) return;
  Reflect.deleteProperty(object, key);
  Object.defineProperty(object, key, own);
}
