import type { CallFacts, Guard } from '@apisec/core';
import type { SessionFacts, Sessions } from '@apisec/oauth';

export declare const browser: Sessions;
export declare const account: Guard<CallFacts, SessionFacts, 'grant'>;
