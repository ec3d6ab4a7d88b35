import { protect } from '@apisec/core';
import { orders } from './policy.ts';
import { answer } from './world.ts';

export default { fetch: protect(orders, () => answer()) };
