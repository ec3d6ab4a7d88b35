import { safeFetch } from '@apisec/egress';
import { createApp } from './app.ts';

const { PORT = '3000' } = process.env;
const fetch = safeFetch({ timeout: '10s', maxResponseBytes: 1_000_000 });
// Fails at start where the runtime does not honour the pinning, and not with the first attack.
await fetch.selfTest();
createApp(fetch).listen(Number(PORT), () => {
  console.log(`Previews on http://localhost:${PORT}/preview?url=https://example.com/`);
});
