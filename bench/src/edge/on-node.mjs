// Loads a worker, and calls it as an edge runtime does. Prints milliseconds and bytes: `on-node.mjs WORKER TOKENS`.
import { readFileSync } from 'node:fs';

const CALLS = 10_000;
const [file, tokensFile] = process.argv.slice(2);
const tokens = JSON.parse(readFileSync(tokensFile, 'utf8'));
// What Node loads when they are first used is the runtime's.
await new Response(new Request(new URL('http://localhost/')).headers.get('a')).text();
await crypto.subtle.digest('SHA-256', new TextEncoder().encode('a'));

const began = performance.now();
const { default: worker } = await import(file);
const loadedMs = performance.now() - began;
const call = async (number) => {
  const request = new Request('http://localhost/orders/42', {
    headers: { authorization: `Bearer ${tokens[number % tokens.length]}` },
  });
  const answer = await worker.fetch(request);
  if (answer.status !== 200) throw new Error(`${answer.status}: ${await answer.text()}`);
  await answer.text();
};
await call(0);
const answeredMs = performance.now() - began;
const firstBytes = process.memoryUsage.rss();
for (let number = 0; number < CALLS; number++) await call(number);
console.log(
  JSON.stringify({ loadedMs, answeredMs, firstBytes, laterBytes: process.memoryUsage.rss() }),
);
