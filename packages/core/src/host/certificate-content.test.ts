import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readAltNames } from './certificate-content.ts';

describe('the list of names that Node writes', () => {
  test.each([
    [undefined, { dns: [], uris: [], emails: [], ips: [] }],
    ['', { dns: [], uris: [], emails: [], ips: [] }],
    [
      'DNS:a, IP Address:192.0.2.1, URI:b:c',
      { dns: ['a'], uris: ['b:c'], emails: [], ips: ['192.0.2.1'] },
    ],
    [
      'IP Address:2001:DB8:0:0:0:0:0:1, IP Address:<invalid length=3>',
      { dns: [], uris: [], emails: [], ips: ['2001:db8::1'] },
    ],
    ['DNS:"a, DNS:b", email:c@d', { dns: ['a, DNS:b'], uris: [], emails: ['c@d'], ips: [] }],
    ['othername:<unsupported>, DNS:a', { dns: ['a'], uris: [], emails: [], ips: [] }],
    ['constructor:a, DNS:b', { dns: ['b'], uris: [], emails: [], ips: [] }],
  ])('%j is read', (list, names) => {
    expect(readAltNames(list)).toEqual(names);
  });

  test.each(['DNS', 'DNS:"a', 'DNS:a"b', 'DNS:a, ', 'DNS:a,DNS:b', ', DNS:a', 'DNS:"a" , DNS:b'])(
    '%j is not',
    (list) => {
      expect(readAltNames(list)).toBeUndefined();
    },
  );

  test('is read or denied, whatever it is, and gives back what was written', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(() => readAltNames(text)).not.toThrow();
        expect(readAltNames(`URI:${JSON.stringify(text)}, DNS:a`)).toEqual({
          dns: ['a'],
          uris: [text],
          emails: [],
          ips: [],
        });
      }),
    );
  });
});
