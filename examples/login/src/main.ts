import { PASSWORD, start } from './start.ts';

const { origin } = await start(Number(process.env['PORT'] ?? 3000));
console.log(`Open ${origin}/ and sign in as alice@example.com with the password: ${PASSWORD}`);
