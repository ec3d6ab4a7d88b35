import { get } from 'node:http';
import { isIP, type LookupFunction } from 'node:net';
import type { CheckUrlOptions } from '@apisec/core';
import { isEgressError, safeFetch } from '@apisec/egress';
import {
  type RequestFilteringAgentOptions,
  RequestFilteringHttpAgent,
} from 'request-filtering-agent';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startReceiver } from '../src/parts/start-receiver.ts';

// request-filtering-agent beside safeFetch, case by case: what its users rely on. Each difference has its reason.

/** `tried`: nobody kept the call from its address, whatever became of it. */
type Ended = 'reached' | 'denied' | 'tried';

let port = 0;
beforeAll(async () => {
  const receiver = await startReceiver();
  port = receiver.port;
  return receiver.stop;
});

const NAME = 'name.example';
/** The URL of an address on the port of the receiver; of anything else as it is. */
const urlOf = (target: string): string =>
  target.includes('/') ? target : `http://${target.replace(/^(?=.*:.*:)(.*)$/, '[$1]')}:${port}/`;

function theirs(
  target: string,
  options: RequestFilteringAgentOptions = {},
  answers: readonly string[] = ['127.0.0.1'],
): Promise<Ended> {
  const [first = ''] = answers;
  // As resolvers do, it answers later.
  const lookup: LookupFunction = (_name, { all }, done) =>
    setImmediate(() => {
      if (all !== true) done(null, first, isIP(first));
      else
        done(
          null,
          answers.map((address) => ({ address, family: isIP(address) })),
        );
    });
  // From loopback nothing leaves this machine. Node then takes one answer of several.
  const agent = new RequestFilteringHttpAgent({
    ...options,
    ...(answers.length === 1 && { localAddress: '127.0.0.1' }),
  });
  onTestFinished(() => agent.destroy());
  return new Promise((resolve) => {
    get(urlOf(target), { agent, lookup }, (response) => {
      response.resume();
      resolve('reached');
    }).on('error', ({ message }) => resolve(/not allowed/.test(message) ? 'denied' : 'tried'));
  });
}

async function ours(
  target: string,
  options: CheckUrlOptions = {},
  answers: readonly string[] = ['127.0.0.1'],
): Promise<Ended> {
  const fetch = safeFetch({ ports: [port], ...options, resolve: async () => answers });
  onTestFinished(() => fetch.close());
  try {
    await (await fetch(urlOf(target))).text();
    return 'reached';
  } catch (error) {
    return isEgressError(error) && /_not_allowed$|_local$/.test(error.code) ? 'denied' : 'tried';
  }
}

describe('as request-filtering-agent does', () => {
  const loopback: [RequestFilteringAgentOptions, CheckUrlOptions] = [
    { allowPrivateIPAddress: true },
    { allowedNetworks: ['127.0.0.0/8'] },
  ];

  test.each([
    '127.0.0.1',
    '127.0.0.2',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '127.1',
    '0.0.0.0',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '10.0.0.1',
    '100.64.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '192.0.0.192',
    '192.168.0.1',
    '224.0.0.1',
    '255.255.255.255',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'ff02::1',
  ])('%s is denied', async (address) => {
    expect(await theirs(address)).toBe('denied');
    expect(await ours(address)).toBe('denied');
  });

  test.each<[string, readonly string[]]>([
    ['a private address', ['10.0.0.1']],
    ['loopback', ['127.0.0.1']],
    ['a mapped address', ['::ffff:10.0.0.1']],
    ['metadata', ['169.254.169.254']],
    ['a public address and a private one', ['192.0.78.1', '10.0.0.1']],
    ['a link-local address with its zone', ['fe80::1%lo']],
  ])('a name that resolves to %s is denied', async (_what, answers) => {
    expect(await theirs(NAME, {}, answers)).toBe('denied');
    expect(await ours(NAME, {}, answers)).toBe('denied');
  });

  test.each<[string, RequestFilteringAgentOptions, CheckUrlOptions, Ended]>([
    ['private addresses that are allowed', ...loopback, 'reached'],
    [
      'an allowed address',
      { allowIPAddressList: ['127.0.0.1'] },
      { allowedNetworks: ['127.0.0.1'] },
      'reached',
    ],
    [
      'an allowed network',
      { allowIPAddressList: ['127.0.0.0/8'] },
      { allowedNetworks: ['127.0.0.0/8'] },
      'reached',
    ],
    [
      'another network that is allowed',
      { allowIPAddressList: ['10.0.0.0/8'] },
      { allowedNetworks: ['10.0.0.0/8'] },
      'denied',
    ],
    [
      'a denied address among allowed ones',
      { allowPrivateIPAddress: true, denyIPAddressList: ['127.0.0.1'] },
      { allowedNetworks: ['127.0.0.0/8'], deniedNetworks: ['127.0.0.1'] },
      'denied',
    ],
    [
      'a denied network among allowed ones',
      { allowPrivateIPAddress: true, denyIPAddressList: ['127.0.0.0/16'] },
      { allowedNetworks: ['127.0.0.0/8'], deniedNetworks: ['127.0.0.0/16'] },
      'denied',
    ],
  ])('%s', async (_name, peer, own, ended) => {
    for (const target of ['127.0.0.1', NAME]) {
      expect(await theirs(target, peer)).toBe(ended);
      expect(await ours(target, own)).toBe(ended);
    }
  });
});

describe('otherwise than request-filtering-agent, with the reason', () => {
  test.each([
    ['an IPv4-compatible address leads to the IPv4 one inside', '::7f00:1'],
    ['so does an ISATAP address', '2606:4700::5efe:7f00:1'],
    ['and the old form of Teredo', '3ffe:831f::1'],
    ['the WireServer of Azure answers on a public address', '168.63.129.16'],
    ['so does the metadata service of Equinix Metal', '192.80.8.124'],
    ['nothing outside of 2000::/3 was ever given to the internet', '4000::1'],
  ])('%s', async (_reason, address) => {
    expect(await theirs(address)).toBe('tried');
    expect(await ours(address)).toBe('denied');
    expect(await theirs(NAME, {}, [address])).toBe('tried');
    expect(await ours(NAME, {}, [address])).toBe('denied');
  });

  test('private networks do not include the credentials of a cloud', async () => {
    const address = '169.254.169.254';
    expect(await theirs(address, { allowPrivateIPAddress: true })).toBe('tried');
    expect(await ours(address, { allowedNetworks: ['169.254.0.0/16'] })).toBe('denied');
  });

  test('what is denied stays denied, whatever is allowed', async () => {
    const list = ['127.0.0.1'];
    const peer = { allowIPAddressList: list, denyIPAddressList: list };
    expect(await theirs('127.0.0.1', peer)).toBe('reached');
    const own = { allowedNetworks: list, deniedNetworks: list };
    expect(await ours('127.0.0.1', own)).toBe('denied');
  });

  test('a denied address is denied in every spelling', async () => {
    const peer = { allowPrivateIPAddress: true, denyIPAddressList: ['127.0.0.1'] };
    expect(await theirs(NAME, peer, ['::ffff:127.0.0.1'])).not.toBe('denied');
    const own = { allowedNetworks: ['127.0.0.0/8'], deniedNetworks: ['127.0.0.1'] };
    expect(await ours(NAME, own, ['::ffff:127.0.0.1'])).toBe('denied');
  });

  test('an answer of the resolver that is not an address is no address to connect to', async () => {
    expect(await theirs(NAME, {}, ['0x7f.1'])).toBe('tried');
    expect(await ours(NAME, {}, ['0x7f.1'])).toBe('denied');
  });

  test('an unknown port, a user in the URL and another spelling of its slashes are denied', async () => {
    const own = { allowedNetworks: ['127.0.0.1'] };
    const peer = { allowPrivateIPAddress: true };
    for (const url of [`http://user@127.0.0.1:${port}/`, `http:\\\\127.0.0.1:${port}/`]) {
      expect(await theirs(`${url}/`, peer)).toBe('reached');
      expect(await ours(`${url}/`, own)).not.toBe('reached');
    }
    expect(await theirs('127.0.0.1', peer)).toBe('reached');
    expect(await ours('127.0.0.1', { ...own, ports: [80] })).toBe('denied');
  });

  test('a network that is not one is told at start', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    onTestFinished(() => warn.mockRestore());
    const list = ['10.0.0.0/64'];
    expect(
      await theirs('127.0.0.1', { allowPrivateIPAddress: true, denyIPAddressList: list }),
    ).toBe('reached');
    expect(() => safeFetch({ deniedNetworks: list })).toThrow(
      expect.objectContaining({ name: 'ConfigurationError' }),
    );
  });
});
