// What every user of the library pays for: the engine and the helpers that carry out a decision.
export { allOf, anyOf, definePolicy, deny, explain, guard, pass, when } from '@apisec/core';
