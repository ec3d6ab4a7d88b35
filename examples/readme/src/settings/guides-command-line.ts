import { type Application, Router } from 'express';

export declare const app: Application;
export const admin = Router();
