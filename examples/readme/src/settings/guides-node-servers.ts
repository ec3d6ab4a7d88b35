import type { Express } from 'express';

export declare const app: Express;
export declare const key: string;
export declare const cert: string;
