import { start } from './start.ts';

const { origin } = await start();
console.log(`Open ${origin}/`);
