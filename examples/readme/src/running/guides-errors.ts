import { allowAnonymous, guard, type HttpFacts } from '@apisec/core';
import express from 'express';

export const app = express();
export const orders = guard<HttpFacts>().use(allowAnonymous());
