import { EventEmitter } from 'node:events';
import { expect, test, vi } from 'vitest';
import { onCallerDisconnect, waitTogether } from './caller-disconnect.ts';
import { newBatch } from './operation-batch.ts';

class Connection extends EventEmitter {
  destroyed = false;
  close() {
    this.destroyed = true;
    this.emit('close');
  }
}

const requestOn = (socket: unknown, stream?: unknown, httpVersionMajor = stream ? 2 : 1) => ({
  req: { socket, stream, httpVersionMajor },
});

test('every operation of a connection is notified of a disconnect, by one listener', () => {
  const socket = new Connection();
  const tell = vi.fn();
  for (let operation = 0; operation < 20; operation++) {
    onCallerDisconnect(requestOn(socket), undefined, tell);
  }
  expect(socket.listenerCount('close')).toBe(1);
  expect(tell).not.toHaveBeenCalled();
  socket.close();
  expect(tell).toHaveBeenCalledTimes(20);
});

test('an operation that has ended is not notified', () => {
  const socket = new Connection();
  const [ended, running] = [vi.fn(), vi.fn()];
  const forget = onCallerDisconnect(requestOn(socket), undefined, ended);
  onCallerDisconnect(requestOn(socket), undefined, running);
  forget();
  socket.close();
  expect(ended).not.toHaveBeenCalled();
  expect(running).toHaveBeenCalledOnce();
});

test('an operation from a closed connection is notified at once', () => {
  const socket = new Connection();
  socket.close();
  const tell = vi.fn();
  onCallerDisconnect(requestOn(socket), undefined, tell);
  expect(tell).toHaveBeenCalledOnce();
});

test('a stream of HTTP/2 goes for itself', () => {
  const [socket, stream] = [new Connection(), new Connection()];
  const tell = vi.fn();
  onCallerDisconnect(requestOn(socket, stream), undefined, tell);
  stream.close();
  expect(tell).toHaveBeenCalledOnce();
});

test('a `stream` member that an application puts on a request is not a connection', () => {
  const [socket, upload] = [new Connection(), new Connection()];
  upload.close();
  const tell = vi.fn();
  onCallerDisconnect(requestOn(socket, upload, 1), undefined, tell);
  expect(tell).not.toHaveBeenCalled();
  socket.close();
  expect(tell).toHaveBeenCalledOnce();
});

test('a signal takes the place of the connection, even if it was given before', () => {
  const socket = new Connection();
  const leaving = new AbortController();
  const [before, after, ended] = [vi.fn(), vi.fn(), vi.fn()];
  onCallerDisconnect(requestOn(socket), leaving.signal, before);
  onCallerDisconnect(requestOn(socket), leaving.signal, ended)();
  socket.close();
  expect(before).not.toHaveBeenCalled();
  leaving.abort();
  expect(before).toHaveBeenCalledOnce();
  onCallerDisconnect({}, leaving.signal, after);
  expect(after).toHaveBeenCalledOnce();
  expect(ended).not.toHaveBeenCalled();
});

test.each([
  ['nothing', {}],
  ['no request', { req: null }],
  ['a web request', { req: new Request('http://a') }],
  ['a request without a connection', requestOn(null)],
  ['something else', requestOn('socket')],
])('a context with %s reports nothing', (_, contextValue) => {
  const tell = vi.fn();
  onCallerDisconnect(contextValue, undefined, tell)();
  expect(tell).not.toHaveBeenCalled();
});

test('the operations of a batch wait as one call, and each of them is notified', () => {
  const socket = new Connection();
  const batch = newBatch();
  const waited = vi.fn((left: () => void) =>
    onCallerDisconnect(requestOn(socket), undefined, left),
  );
  const told = [vi.fn(), vi.fn(), vi.fn()];
  const forget = told.map((tell) => {
    batch.begun++;
    return waitTogether(batch, tell, waited);
  });
  forget[1]?.();
  socket.close();
  expect(waited).toHaveBeenCalledOnce();
  expect(told.map(({ mock }) => mock.calls.length)).toEqual([1, 0, 1]);
});

test('each operation of a batch whose caller has already left is notified at once', () => {
  const socket = new Connection();
  socket.close();
  const batch = newBatch();
  const told = [vi.fn(), vi.fn()];
  for (const tell of told) {
    batch.begun++;
    waitTogether(batch, tell, (left) => onCallerDisconnect(requestOn(socket), undefined, left));
  }
  expect(told.map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
});
