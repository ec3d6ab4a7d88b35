import { createServer } from 'node:http';
import { parentPort } from 'node:worker_threads';

// A server that answers everything at once, in a thread of its own.
const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '13' });
    response.end('{"ok":"true"}');
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  // oxlint-disable-next-line require-post-message-target-origin -- a port of a thread has none
  parentPort?.postMessage(server.address().port);
});
