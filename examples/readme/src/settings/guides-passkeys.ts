import type { LoginAccounts, LoginOptions } from '@apisec/accounts';

export declare const accounts: LoginAccounts;
export declare const finish: LoginOptions<unknown>['finish'];
export declare const account: { readonly mail: string };
export declare const subject: string;
export declare const client: string;
export declare const peer: string;
export declare const answerOfPage: (options: unknown) => Promise<unknown>;
export declare const options: PublicKeyCredentialCreationOptionsJSON;
export declare const send: (value: unknown) => void;
