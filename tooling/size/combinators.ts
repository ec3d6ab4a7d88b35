// The engine with everything that combines policies and explains decisions.
export {
  allOf,
  anyOf,
  definePolicy,
  deny,
  enforce,
  explain,
  guard,
  pass,
  when,
} from '@apisec/core';
