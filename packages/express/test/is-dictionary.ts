import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';

setFlagsFromString('--allow-natives-syntax');

/** True for what V8 keeps as a dictionary. Its source is a text, since no other tool can parse it. */
export const isDictionary = runInThisContext('(object) => !%HasFastProperties(object)') as (
  object: object,
) => boolean;
