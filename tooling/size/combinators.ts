// The engine with everything that combines policies.
export { allOf, anyOf, definePolicy, deny, guard, pass, when } from '@apisec/core';
export { enforce } from '@apisec/core/host';
