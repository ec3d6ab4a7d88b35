import type { RoleStore } from '@apisec/core';

export declare const store: RoleStore;
