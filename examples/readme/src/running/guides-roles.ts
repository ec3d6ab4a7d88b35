import { memoryRoleStore } from '@apisec/core';
import { audience, issuer } from './provider.ts';

export const store = memoryRoleStore();
export { audience, issuer };
