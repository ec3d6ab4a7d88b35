import { secure } from '@apisec/hono';
import { Hono } from 'hono';
import { orders } from './policy.ts';
import { answer } from './world.ts';

const app = new Hono();
app.use(secure(orders));
app.get('/orders/:id', () => answer());
export default app;
