export { documentedOperations, type InventoryOptions, inventoryOf } from '@apisec/graphql';
export { apisec } from './apisec.ts';
export type { ApisecOptions } from './options.ts';
