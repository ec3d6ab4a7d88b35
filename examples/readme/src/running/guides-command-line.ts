import { allowAnonymous, guard } from '@apisec/core';
import { secure } from '@apisec/express';
import express, { Router } from 'express';

const open = secure(guard().use(allowAnonymous()));
export const admin = Router();
admin.get('/users', open, (_request, response) => void response.json([]));
export const app = express();
app.use('/admin', admin);
app.get('/health', open, (_request, response) => void response.end());
