/** What is kept of an object: of a call, of a connection. */
export interface StateOf<T> {
  readonly get: (holder: object) => T | undefined;
  readonly set: (holder: object, value: T) => void;
}

interface States {
  /** The object whose states they are: copies of it, and objects that inherit from it, have its property too. */
  readonly owner: object;
  [key: symbol]: unknown;
}

/** Where an object keeps all of them. */
const kept: unique symbol = Symbol('apisec.state');
type Holder = { [kept]?: States };

/**
 * Keeps state on the object that it belongs to. Not in a `WeakMap`: one whose values reach their key again costs each
 * pass of the garbage collector, 18 µs a call as measured on a busy server. All states of an object share one property,
 * since in Express each request has a hidden class of its own and pays for every property that is added. Only objects
 * that cannot be extended are kept in a `WeakMap`.
 */
export function stateOf<T>(description: string): StateOf<T> {
  const key = Symbol(description);
  let sealed: WeakMap<object, T> | undefined;
  return {
    // Under this key nothing but a `T` is ever set.
    get: (holder) => {
      const states = (holder as Holder)[kept];
      // Nearly always its own. Then the map is not asked, which costs more than all else here.
      return (
        (states?.owner === holder ? undefined : sealed?.get(holder)) ??
        (states?.[key] as T | undefined)
      );
    },
    set: (holder, value) => {
      const states = (holder as Holder)[kept];
      if (states?.owner === holder) states[key] = value;
      else if (Object.isExtensible(holder)) statesFor(holder, states)[key] = value;
      else (sealed ??= new WeakMap()).set(holder, value);
    },
  };
}

/** Its own: a copy, or an object that inherits, reads the states of the other one and writes none of them. */
function statesFor(holder: Holder, others: States | undefined): States {
  const own: States = others ? { ...others, owner: holder } : { owner: holder };
  holder[kept] = own;
  return own;
}
