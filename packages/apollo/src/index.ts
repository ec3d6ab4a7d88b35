export { documentedOperations, type InventoryOptions, inventoryOf } from '@apisec/graphql';
export { type ApisecOptions, apisec } from './apisec.ts';
