import type { FieldFacts } from './field-facts.ts';

type Field = FieldFacts['field'];

/**
 * A field that notices when it is read. Its members are own properties, like those of any other field, so that copies
 * have them. All fields share the accessors: those of an object literal would be functions of that object
 * alone, for which V8 gives it a hidden class of its own, to be collected as well.
 */
export class WatchedField implements Field {
  declare readonly coordinate: string;
  declare readonly source: unknown;
  declare readonly args: Field['args'];
  readonly #field: Field;
  readonly #onLook: (name: keyof Field) => void;

  constructor(field: Field, onLook: (name: keyof Field) => void) {
    this.#field = field;
    this.#onLook = onLook;
    Object.defineProperty(this, 'coordinate', WatchedField.#coordinate);
    Object.defineProperty(this, 'source', WatchedField.#source);
    Object.defineProperty(this, 'args', WatchedField.#args);
  }

  #look<Name extends keyof Field>(name: Name): Field[Name] {
    this.#onLook(name);
    return this.#field[name];
  }

  static readonly #coordinate = accessor(function (this: WatchedField) {
    return this.#look('coordinate');
  });
  static readonly #source = accessor(function (this: WatchedField) {
    return this.#look('source');
  });
  static readonly #args = accessor(function (this: WatchedField) {
    return this.#look('args');
  });
}

function accessor(get: (this: WatchedField) => unknown): PropertyDescriptor {
  return { get, enumerable: true, configurable: true };
}
