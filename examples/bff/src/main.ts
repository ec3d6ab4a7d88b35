import { start } from './start.ts';

const { FRAMEWORK = 'express', PORT = '3000', STORE_URL } = process.env;
const { origin } = await start(FRAMEWORK, Number(PORT), STORE_URL);
console.log(`Open ${origin}/`);
