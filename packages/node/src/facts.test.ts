import { expect, test } from 'vitest';
import { nodeCaller } from './facts.ts';
import { trustProxies } from './peer.ts';

const headers = { 'x-forwarded-for': '198.51.100.7' };
const socket = () => ({ remoteAddress: '192.0.2.1', encrypted: false, authorized: false });

test('facts of a connection are read once for all of its calls', () => {
  const incoming = { headers, socket: socket() };
  const caller = nodeCaller(incoming);
  expect(caller).toEqual({
    peer: { address: '192.0.2.1', id: '192.0.2.1' },
    certificate: undefined,
    transport: { encrypted: false },
  });
  expect(nodeCaller({ ...incoming })).toBe(caller);
  expect(nodeCaller({ headers, socket: socket() })).not.toBe(caller);
});

test('trusted proxies are read again in each call of their connection', () => {
  const shared = socket();
  const trust = trustProxies({ proxies: ['192.0.2.1/32'], header: 'x-forwarded-for' });
  expect(nodeCaller({ headers, socket: shared }).peer.id).toBe('192.0.2.1');
  expect(nodeCaller({ headers, socket: shared }, trust).peer.id).toBe('198.51.100.7');
  const other = { 'x-forwarded-for': '203.0.113.9' };
  expect(nodeCaller({ headers: other, socket: shared }, trust).peer.id).toBe('203.0.113.9');
});

test('a certificate that a TLS connection shows later is seen', () => {
  const raw = new Uint8Array([1]);
  const secure = { remoteAddress: '192.0.2.1', encrypted: true, authorized: false };
  expect(nodeCaller({ headers, socket: secure }).certificate).toBeUndefined();
  const shown = { getPeerX509Certificate: () => ({ raw }), authorized: true };
  const caller = nodeCaller({ headers, socket: Object.assign(secure, shown) });
  expect(caller.certificate?.raw).toBe(raw);
});

test('a connection of TLS 1.3 shows its certificate at once or never', () => {
  let asked = 0;
  const secure = {
    remoteAddress: '192.0.2.1',
    encrypted: true,
    authorized: false,
    getProtocol: () => 'TLSv1.3',
    getPeerX509Certificate: () => {
      asked++;
      return undefined;
    },
  };
  const caller = nodeCaller({ headers, socket: secure });
  expect(nodeCaller({ headers, socket: secure })).toBe(caller);
  expect(asked).toBe(1);
});

test('where there is no connection nobody is known', () => {
  const { peer, certificate, transport } = nodeCaller({ headers });
  expect([peer.id, certificate, transport.encrypted]).toEqual([undefined, undefined, undefined]);
});
