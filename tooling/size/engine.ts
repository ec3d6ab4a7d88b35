// What every user of the library pays for: the engine and the helpers that carry out a decision.
export { definePolicy, deny, guard, pass } from '@apisec/core';
export { enforce } from '@apisec/core/host';
