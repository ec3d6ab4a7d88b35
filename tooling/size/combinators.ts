// The engine with everything that combines policies and explains decisions.
export { allOf, anyOf, definePolicy, deny, explain, guard, pass, when } from '@apisec/core';
export { enforce } from '@apisec/core/host';
