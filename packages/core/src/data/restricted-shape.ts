import type { Visibility } from './visibility.ts';

/** A part of the output that not everybody sees, made by `visibleTo`. */
export interface RestrictedShape {
  readonly visibleTo: Visibility;
  readonly shape: OutputShape;
}

/**
 * What may go out. `'value'`: a text, number, boolean or null, also a date or bytes; never an object. A list with
 * one entry: a list of that. An object: its members, and no others; `'*'` stands for members of any other name.
 */
export type OutputShape =
  | 'value'
  | readonly [OutputShape]
  | Restricted
  | { readonly [member: string]: OutputShape };

/** A restricted part, as an opaque value: an object with these members is a shape of an object. */
export interface Restricted {
  readonly [RESTRICTED]: RestrictedShape;
}

/** Only `visibleTo` sets it. */
export const RESTRICTED: unique symbol = Symbol('restricted');
