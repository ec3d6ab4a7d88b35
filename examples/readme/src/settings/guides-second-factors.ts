import type {
  LoginAccount,
  LoginAccounts,
  LoginOptions,
  LoginPasskeys,
  LoginRoutes,
  Passwords,
  RecoveryProof,
} from '@apisec/accounts';
import type { Audit, SealingKeys, TicketStore } from '@apisec/core';
import type { Sessions } from '@apisec/oauth';

export declare const accounts: LoginAccounts;
export declare const tickets: TicketStore;
export declare const policy: Passwords;
export declare const keys: LoginPasskeys;
export declare const sealingKeys: SealingKeys;
export declare const finish: LoginOptions<unknown>['finish'];
export declare const log: Audit;
export declare const client: string;
export declare const peer: string;
export declare const identifier: string;
export declare const password: string;
export declare const code: string;
export declare const subject: string;
export declare const token: string;
export declare const link: string;
export declare const routes: LoginRoutes;
export declare const browser: Sessions;
export declare const showQrCode: (uri: string) => void;
export declare const showOnce: (codes: readonly string[]) => void;
export declare const mail: (account: LoginAccount, code: string) => Promise<void>;
export declare const isPasswordOf: RecoveryProof;
export declare const isLinkOf: RecoveryProof;
export declare const isConfirmedBySupport: RecoveryProof;
export declare const tellOnEveryChannel: (event: object) => Promise<void>;
