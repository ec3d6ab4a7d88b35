import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { peerFromHeader, peerOf } from './peer.ts';

describe('a peer counts as one', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2:ffff::', '2001:db8:1:2:ffff::', '2001:db8:1:2::/64'],
    ['::1', '::1', '::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201', '192.0.2.1'],
    ['64:ff9b::1:192.0.2.1', '64:ff9b::1:c000:201', '64:ff9b::/64'],
    ['2002:c000:201::1', '2002:c000:201::1', '192.0.2.1'],
    ['2002:c000:201:7:8::9', '2002:c000:201:7:8::9', '192.0.2.1'],
    ['2003:c000:201::1', '2003:c000:201::1', '2003:c000:201::/64'],
    ['unknown', undefined, undefined],
    [undefined, undefined, undefined],
  ])('%s', (text, address, id) => {
    expect(peerOf(text)).toEqual({ address, id });
  });
});

describe('peerFromHeader', () => {
  const ask = (...values: string[]) => {
    const headers = new Headers();
    for (const value of values) headers.append('cf-connecting-ip', value);
    const peer = peerFromHeader('CF-Connecting-IP');
    return peer(new Request('https://api.example.com', { headers }));
  };

  test('reads the one address that the platform wrote', () => {
    expect(ask('2001:DB8::1')).toEqual({ address: '2001:db8::1', id: '2001:db8::/64' });
  });

  test.each([[[]], [['']], [['192.0.2.1', '192.0.2.2']], [['192.0.2.1, 192.0.2.2']], [['x']]])(
    'knows nobody from %j',
    (values) => {
      expect(ask(...values).address).toBeUndefined();
    },
  );

  test.each(['X-Forwarded-For', 'forwarded', '', 'a b', 'x:'])(
    '%j cannot be constructed',
    (name) => {
      expect(() => peerFromHeader(name)).toThrow(ConfigurationError);
      expect(() => peerFromHeader(name)).toThrow(
        /is not a header name|is a list whose first entries callers write.* your platform puts the caller/,
      );
    },
  );

  test.each(['x-forwarded-for-client', 'my-forwarded'])('%j is another header', (name) => {
    const headers = new Headers({ [name]: '192.0.2.1' });
    const request = new Request('https://api.example.com', { headers });
    expect(peerFromHeader(name)(request).address).toBe('192.0.2.1');
  });
});
