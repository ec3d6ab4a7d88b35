import { Hono } from 'hono';
import { useUsual } from '../servers/usual-hono.ts';
import { answer, world } from './world.ts';

const app = new Hono();
useUsual(app, world);
app.get('/orders/:id', () => answer());
export default app;
