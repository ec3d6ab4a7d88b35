import { start } from './start.ts';

const { origin } = await start(undefined, Number(process.env['PORT'] ?? 3000));
console.log(`Open ${origin}/`);
