import { ordersGuard } from '../servers/orders-guard.ts';
import { world } from './world.ts';

export const orders = ordersGuard(world);
