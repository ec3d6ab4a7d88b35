import { connect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { parseUrl } from '@apisec/core/host';
import { bareHost, isLoopback } from '../addresses.ts';
import { UsageError } from '../command.ts';
import type { Check, Patient } from './check.ts';

const TIMEOUT_MS = 3_000;
const MOST_ANSWER = 64 * 1024;

const needs = ({ redis }: Patient): string | undefined =>
  redis === undefined ? '--redis' : undefined;

export const STORE_CHECKS: readonly Check[] = [
  {
    id: 'store.eviction',
    title: 'Redis keeps everything that limits, revocations and replays depend on',
    needs,
    run: async ({ redis = '' }) => {
      const answer = await ask(addressOf(redis), [['CONFIG', 'GET', 'maxmemory-policy']]);
      const policy = /\r\nmaxmemory-policy\r\n\$\d+\r\n([a-z-]+)\r\n/.exec(answer)?.[1];
      if (policy === undefined) return 'It does not say its maxmemory-policy.';
      return policy === 'noeviction' ? undefined : `Its maxmemory-policy is ${policy}.`;
    },
  },
  {
    id: 'store.password',
    title: 'Redis asks for a password, unless it listens on this machine alone',
    needs,
    run: async ({ redis = '' }) => {
      const address = addressOf(redis);
      if (isLoopback(address.hostname) && (await listensHereAlone(address))) return undefined;
      const answer = await ask(new URL(`${address.protocol}//${address.host}`), [['PING']]);
      return /(?:^|\r\n)\+PONG\r\n/.test(answer) ? 'It answers without a password.' : undefined;
    },
  },
];

/** By its own configuration: an address of this machine may be one of many that it listens on. */
async function listensHereAlone(address: URL): Promise<boolean> {
  const answer = await ask(address, [
    ['CONFIG', 'GET', 'bind'],
    ['CONFIG', 'GET', 'protected-mode'],
  ]);
  const bind = /\r\nbind\r\n\$\d+\r\n([^\r]*)\r\n/.exec(answer)?.[1];
  if (bind === undefined) return false;
  // A minus says that an address may be missing on this machine.
  const addresses = bind.split(' ').map((each) => each.replace(/^-/, ''));
  if (addresses.every(isLoopback)) return true;
  // Without a password and an address of its own it then answers this machine alone.
  const isProtected = /\r\nprotected-mode\r\n\$3\r\nyes\r\n/.test(answer);
  return isProtected && addresses.every((each) => ['', '*', '::*'].includes(each));
}

function addressOf(text: string): URL {
  const url = parseUrl(text);
  if (url === undefined || !/^rediss?:$/.test(url.protocol) || url.hostname === '') {
    throw new UsageError('--redis must be an address like redis://127.0.0.1:6379.');
  }
  return url;
}

/** Sends commands to Redis and answers what it wrote until it closed. Only reads, and no client is needed for that. */
function ask(url: URL, commands: readonly (readonly string[])[]): Promise<string> {
  const password = decodeURIComponent(url.password);
  const user = decodeURIComponent(url.username);
  const login = password === '' ? [] : [['AUTH', ...(user === '' ? [] : [user]), password]];
  const text = [...login, ...commands, ['QUIT']].map(encoded).join('');
  const host = bareHost(url.hostname);
  const at = { host, port: Number(url.port || 6379) };
  return new Promise((resolve, reject) => {
    const socket = url.protocol === 'rediss:' ? tlsConnect(at) : connect(at);
    let answer = '';
    const fail = (why: string): void => {
      socket.destroy();
      reject(new UsageError(`Redis at ${url.host} does not answer: ${why}`));
    };
    socket.setTimeout(TIMEOUT_MS, () => fail('it took too long.'));
    socket.on('error', (error) => fail(error.message));
    socket.setEncoding('latin1').on('data', (part: string) => {
      answer += part;
      if (answer.length > MOST_ANSWER) fail('this is not Redis.');
    });
    socket.on('end', () => {
      socket.end();
      resolve(answer);
    });
    socket.write(text);
  });
}

function encoded(words: readonly string[]): string {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${parts.join('')}`;
}
