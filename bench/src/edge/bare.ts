import { answer } from './world.ts';

export default { fetch: (_request: Request) => answer() };
