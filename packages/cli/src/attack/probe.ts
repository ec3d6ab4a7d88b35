import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { bareHost } from '../addresses.ts';
import { UsageError } from '../command.ts';

/** What an attack sends. */
export interface Probe {
  readonly method?: string | undefined;
  /** Sent as it is, so that two parsers may read it differently. Default: that of the target. */
  readonly path?: string | undefined;
  /** Pairs, so that a name can come twice. */
  readonly headers?: readonly (readonly [string, string])[] | undefined;
  readonly body?: string | undefined;
}

/** What came back. */
export interface Answer {
  readonly status: number;
  /** How to name the answer where that is not by its status. */
  readonly label?: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

/** A request of GraphQL over HTTP. */
export function graphqlProbe(body: object, headers: NonNullable<Probe['headers']> = []): Probe {
  return {
    method: 'POST',
    headers: [...headers, ['content-type', 'application/json']],
    body: JSON.stringify(body),
  };
}

const MAX_BODY = 64 * 1024;
const TIMEOUT_MS = 5_000;

/**
 * Sends one probe to the target, and nowhere else: redirects are not followed. Reads 64 KiB of the answer, and waits
 * for five seconds. `ca`: whom to trust with `https:`, in PEM.
 *
 * @throws UsageError when there is no answer.
 */
export function send(target: URL, probe: Probe, ca?: string): Promise<Answer> {
  const { method = 'GET', path = target.pathname + target.search, headers = [], body } = probe;
  const begin = target.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void =>
      reject(new UsageError(`${target.host} does not answer: ${error.message}`));
    const request = begin(
      {
        host: bareHost(target.hostname),
        port: target.port,
        method,
        path,
        agent: false,
        ...(ca !== undefined && { ca }),
        headers: [
          'host',
          target.host,
          ...headers.flat(),
          ...(body === undefined ? [] : ['content-length', String(Buffer.byteLength(body))]),
        ],
        signal: AbortSignal.timeout(TIMEOUT_MS),
      },
      (response) => {
        let text = '';
        const end = (): void =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          text += part;
          if (text.length < MAX_BODY) return;
          end();
          response.destroy();
        });
        response.on('end', end);
        response.on('error', fail);
      },
    );
    request.on('error', fail);
    request.end(body);
  });
}
