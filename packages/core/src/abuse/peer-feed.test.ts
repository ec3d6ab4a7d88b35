import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { denyPeers } from './deny-peers.ts';
import { type PeerFeedOptions, peerFeed } from './peer-feed.ts';

const request = new Request('https://api.example.com/orders');
const HOUR = 3_600_000;

function setup(options: Partial<PeerFeedOptions> = {}) {
  const clock = { at: 1_700_000_000_000 };
  const kit = { text: '192.0.2.0/24\n2001:db8::/32', loads: 0 };
  const work: Promise<void>[] = [];
  const faults: unknown[] = [];
  const feed = peerFeed({
    load: async () => {
      kit.loads++;
      return kit.text;
    },
    onStale: 'deny',
    now: () => clock.at,
    waitUntil: (each) => work.push(each),
    onFault: (cause) => faults.push(cause),
    ...options,
  });
  const policy = denyPeers({ ranges: ['198.51.100.7'], feeds: [feed] });
  const told = (address: string) => {
    const outcome = policy.check(request, { peer: { address, id: address } });
    return outcome.ok ? (outcome.degraded ?? 'passed') : outcome.denial.code;
  };
  const settled = async (): Promise<void> => {
    while (work.length > 0) await work.pop();
  };
  return { clock, kit, feed, faults, told, settled };
}

describe('a feed', () => {
  test.each([
    ['192.0.2.77', 'peer.denied'],
    ['::ffff:192.0.2.77', 'peer.denied'],
    ['64:ff9b::192.0.2.77', 'peer.denied'],
    ['2001:db8::1', 'peer.denied'],
    ['198.51.100.7', 'peer.denied'],
    ['203.0.113.1', 'passed'],
  ])('lists with the ranges of the policy: %s', async (address, expected) => {
    const { feed, told } = setup();
    await feed.load();
    expect(told(address)).toBe(expected);
  });

  test('is loaded again beside calls, once however many come, and the old list serves meanwhile', async () => {
    const { clock, kit, feed, told, settled } = setup();
    await feed.load();
    kit.text = '203.0.113.0/24';
    clock.at += HOUR - 1;
    expect(told('203.0.113.1')).toBe('passed');
    expect(kit.loads).toBe(1);
    clock.at += 1;
    for (let call = 0; call < 50; call++) expect(told('203.0.113.1')).toBe('passed');
    await settled();
    expect(kit.loads).toBe(2);
    expect(told('203.0.113.1')).toBe('peer.denied');
    expect(told('192.0.2.77')).toBe('passed');
  });

  test.each<[string, PeerFeedOptions['onStale'], string]>([
    ['denies', 'deny', 'peer.list_unavailable'],
    ['passes and says so', 'pass', 'peer.list_unavailable'],
  ])('without a list it %s, and is loaded by the first call', async (_name, onStale, expected) => {
    const { told, settled } = setup({ onStale });
    expect(told('203.0.113.1')).toBe(expected);
    await settled();
    expect(told('203.0.113.1')).toBe('passed');
    expect(told('192.0.2.77')).toBe('peer.denied');
  });

  test('that fails goes on with its list until that is too old, and is not asked with every call', async () => {
    const { clock, kit, feed, faults, told, settled } = setup({ maxAge: '3h' });
    await feed.load();
    kit.text = '<html>Service unavailable</html>';
    clock.at += 2 * HOUR;
    for (let call = 0; call < 20; call++) {
      expect(told('192.0.2.77')).toBe('peer.denied');
      await settled();
    }
    expect(kit.loads).toBe(2);
    expect(String(faults[0])).toContain('line 1');
    clock.at += HOUR;
    expect(told('192.0.2.77')).toBe('peer.list_unavailable');
    expect(told('198.51.100.7')).toBe('peer.denied');
    await settled();
  });

  test('is no younger because the clock was set back', async () => {
    const { clock, feed, told, settled } = setup();
    await feed.load();
    clock.at -= 10 * HOUR;
    expect(told('192.0.2.77')).toBe('peer.list_unavailable');
    await settled();
    expect(told('192.0.2.77')).toBe('peer.denied');
  });

  test('takes comments, blank lines, CRLF and scores, and denies from the threshold on', async () => {
    const { kit, feed, told } = setup({ threshold: 75 });
    kit.text =
      '; a list\r\n\r\n192.0.2.0/24 ; SBL1\r\n203.0.113.1, 75\r\n203.0.113.2\t74.9\n# end\n';
    await feed.load();
    expect(told('192.0.2.1')).toBe('peer.denied');
    expect(told('203.0.113.1')).toBe('peer.denied');
    expect(told('203.0.113.2')).toBe('passed');
  });

  test.each<[string, unknown]>([
    ['an error page', '<!doctype html><p>503'],
    ['half a list', '192.0.2.0/24\n2001:db'],
    ['an empty answer', ''],
    ['comments alone', '# nothing\n; at all\n'],
    ['a score that is none', '192.0.2.0/24 high'],
    ['a third column', '192.0.2.0/24 80 x'],
    ['a line without an end', `192.0.2.0/24 ${'9'.repeat(300)}`],
    ['more ranges than may be', '192.0.2.1\n192.0.2.2\n192.0.2.3\n192.0.2.4'],
    ['more text than may be', `#${'x'.repeat(5_000)}`],
    ['what is no text', ['192.0.2.0/24']],
  ])('does not take %s, and keeps the list before', async (_name, text) => {
    const { kit, feed, told } = setup({ maxRanges: 3 });
    await feed.load();
    kit.text = text as string;
    await expect(feed.load()).rejects.toThrow();
    expect(told('192.0.2.77')).toBe('peer.denied');
  });
});

test.each<[string, object]>([
  ['without load', { load: undefined }],
  ['without saying what happens without a list', { onStale: undefined }],
  ['with a threshold that is no number', { threshold: '75' }],
  ['with an age below its reload', { reload: '2h', maxAge: '1h' }],
  ['with room for nothing', { maxRanges: 0 }],
  ['with an unknown option', { url: 'https://example.com' }],
])('peerFeed cannot be constructed %s', (_name, options) => {
  expect(() => setup(options)).toThrow(ConfigurationError);
});
test('denyPeers cannot be constructed with feeds that are none', () => {
  expect(() => denyPeers({ ranges: [], feeds: [{}] as never })).toThrow(ConfigurationError);
});
