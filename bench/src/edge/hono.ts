import { Hono } from 'hono';
import { answer } from './world.ts';

const app = new Hono();
app.get('/orders/:id', () => answer());
export default app;
