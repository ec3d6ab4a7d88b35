import type { Guard, HttpFacts } from '@apisec/core';
import type { Express } from 'express';

export declare const app: Express;
export declare const orders: Guard<HttpFacts, object, 'grant'>;
