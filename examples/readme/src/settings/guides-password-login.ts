import type { LoginAccount, PasswordAccount, PasswordAccounts, Tokens } from '@apisec/accounts';
import type { Denial, Principal } from '@apisec/core';
import type { Sessions } from '@apisec/oauth';
import type { RedisClient } from '@apisec/redis';
import type { Express } from 'express';

export declare const users: {
  readonly findByMail: (mail: string) => Promise<LoginAccount | undefined>;
  readonly find: (id: string) => Promise<LoginAccount | undefined>;
  readonly replaceHash: (id: string, hash: string, expected: string) => Promise<boolean>;
};
export declare const app: Express;
export declare const accounts: PasswordAccounts;
export declare const issued: Tokens;
export declare const browser: Sessions;
export declare const redis: RedisClient;
export declare const client: string;
export declare const peer: string;
export declare const identifier: string;
export declare const password: string;
export declare const current: string;
export declare const next: string;
export declare const token: string;
export declare const session: string;
export declare const subject: Principal['subject'];
export declare const send: (value: unknown) => void;
export declare const deny: (denial: Denial) => void;
export declare const mail: (account: PasswordAccount, text: string) => Promise<void>;
