// What readers of the guides have already. Nothing of it runs: the blocks are compiled.
import type { CallFacts, Coverage, Principal } from '@apisec/core';

export declare const issuer: string;
export declare const audience: string;
export declare const secret: Uint8Array<ArrayBuffer>;
export declare const api: Coverage<CallFacts>;
export declare const principal: Principal;
