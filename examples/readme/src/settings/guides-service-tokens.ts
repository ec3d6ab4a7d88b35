import type { OAuthClientOptions } from '@apisec/oauth';

export declare const privateJwk: Extract<
  OAuthClientOptions['authentication'],
  { readonly method: 'private_key_jwt' }
>['key'];
export declare const tokenOfTheUser: string;
export declare const callBills: (token: string) => Promise<void>;
export declare const cert: string;
export declare const key: string;
