import { connect as connectTcp, type Socket } from 'node:net';
import { assertConfiguration, parseUrl } from '@apisec/core/host';
import { connected } from './sockets.ts';

/** A forward proxy that opens tunnels (RFC 9110 §9.3.6). */
export interface Proxy {
  readonly host: string;
  readonly port: number;
  /** The value of `Proxy-Authorization`. */
  readonly authorization?: string | undefined;
}

/** Reads `http://user:password@proxy.internal:3128`. */
export function readProxy(where: string, text: string): Proxy {
  const url = parseUrl(text);
  const [username, password] = [decoded(url?.username), decoded(url?.password)];
  // The text of a proxy may hold a password, so that no message repeats it.
  assertConfiguration(
    url?.protocol === 'http:' &&
      url.hostname !== '' &&
      url.pathname === '/' &&
      url.search === '' &&
      username !== undefined &&
      password !== undefined,
    `${where}: proxy must be a URL like 'http://proxy.internal:3128', or 'environment'. In a password write % as %25.`,
  );
  const credentials = `${username}:${password}`;
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 80 : Number(url.port),
    authorization:
      credentials === ':' ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`,
  };
}

/** Undefined for what is not percent-encoded UTF-8. */
function decoded(text = ''): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/**
 * Which proxy a call goes through. Only `'environment'` looks at `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`: a variable
 * that somebody else set must not send calls elsewhere.
 */
export function proxyChoice(
  where: string,
  proxy: unknown,
  environment: Readonly<Record<string, string | undefined>>,
): (name: string, scheme: string) => Proxy | undefined {
  if (proxy === undefined) return () => undefined;
  assertConfiguration(
    typeof proxy === 'string',
    `${where}: proxy must be a URL like 'http://proxy.internal:3128', or 'environment'.`,
  );
  if (proxy !== 'environment') {
    const one = readProxy(where, proxy);
    return () => one;
  }
  const variable = (name: string) => environment[name.toLowerCase()] ?? environment[name] ?? '';
  const [secure, plain] = [variable('HTTPS_PROXY'), variable('HTTP_PROXY')];
  const forHttps = secure === '' ? undefined : readProxy(where, secure);
  const forHttp = plain === '' ? undefined : readProxy(where, plain);
  const direct = variable('NO_PROXY')
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map((entry) => entry.toLowerCase().replace(/^\*?\./, ''));
  return (name, scheme) => {
    if (direct.some((entry) => entry === '*' || name === entry || name.endsWith(`.${entry}`))) {
      return undefined;
    }
    return scheme === 'https:' ? forHttps : forHttp;
  };
}

const LONGEST_ANSWER = 8_192;

/**
 * Opens a tunnel to an address: the proxy gets no name to resolve, so that the pinning holds behind it, too. A proxy is
 * configured by the operator and may have a private address.
 */
export async function openTunnel(
  proxy: Proxy,
  target: { readonly address: string; readonly port: number },
  timeoutMs: number,
): Promise<Socket> {
  const end = Date.now() + timeoutMs;
  const socket = await connected(
    connectTcp({ host: proxy.host, port: proxy.port }),
    'connect',
    timeoutMs,
  );
  const authority = `${target.address.includes(':') ? `[${target.address}]` : target.address}:${target.port}`;
  const authorization =
    proxy.authorization === undefined ? '' : `Proxy-Authorization: ${proxy.authorization}\r\n`;
  return new Promise((resolve, reject) => {
    let answer = '';
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on('error', () => undefined);
      socket.destroy();
      reject(error);
    };
    const read = (chunk: Buffer): void => {
      answer += chunk.toString('latin1');
      const stop = answer.indexOf('\r\n\r\n');
      if (stop < 0) {
        if (answer.length > LONGEST_ANSWER) fail(new Error('The proxy answered too much.'));
        return;
      }
      if (!/^HTTP\/1\.[01] 2\d\d[ \r]/.test(answer)) {
        fail(new Error(`The proxy answered ${JSON.stringify(answer.slice(0, 15))}.`));
      } else if (answer.length > stop + 4) {
        // Nobody has asked the target anything yet.
        fail(new Error('The proxy sent bytes before the tunnel was used.'));
      } else {
        clearTimeout(timer);
        socket.removeAllListeners();
        socket.pause();
        resolve(socket);
      }
    };
    const timer = setTimeout(() => fail(new Error('The proxy took too long.')), end - Date.now());
    socket.once('error', fail);
    socket.once('close', () => fail(new Error('The proxy closed the connection.')));
    socket.on('data', read);
    socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${authorization}\r\n`);
  });
}
