import { request } from 'node:http';
import { httpStatus } from '@apisec/core/host';
import type { CallSpec, Client, Observed, Served } from '../subject.ts';
import { kindsOf, parse, textMember } from './observe.ts';

interface Answer {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  readonly text: string;
  readonly head: string;
}

/** Calls REST subjects: over a socket, or in process where there is none. */
export function httpClient(served: Served): Client {
  const { port, fetch } = served;
  return {
    call: async (spec) => {
      if (port !== undefined) return observe(await overSocket(port, spec));
      if (fetch === undefined) throw new Error('The subject has neither a port nor a fetch.');
      return observe(await inProcess(fetch, spec));
    },
    target: (spec) => ({
      method: meaning({ ...spec, headers: [] }).method,
      path: `/${spec.operation}`,
    }),
    close: () => undefined,
  };
}

function observe(answer: Answer): Observed {
  const body = parse(answer.text);
  const retryAfter = answer.header('retry-after');
  const allowed = answer.status >= 200 && answer.status < 300 && answer.status !== 204;
  return {
    status: answer.status,
    header: answer.header,
    text: `${answer.head}\n\n${answer.text}`,
    allowed,
    kinds: kindsOf(httpStatus, answer.status),
    code: textMember(body, 'code'),
    retryAfter: retryAfter === undefined ? undefined : Number(retryAfter),
    denial: allowed ? undefined : body,
    reply: allowed ? (body ?? answer.text) : undefined,
  };
}

/** Method, headers and body that a call means in HTTP. */
function meaning({ method, headers, message, body }: CallSpec): {
  readonly method: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly payload: string | undefined;
} {
  const payload = body ? body.text : message === undefined ? undefined : JSON.stringify(message);
  const type = body ? body.type : 'application/json';
  return {
    method: method ?? (payload === undefined ? 'GET' : 'POST'),
    headers: payload === undefined ? headers : [...headers, ['content-type', type]],
    payload,
  };
}

/** `node:http` sends repeated fields as they are; `fetch` would join them. */
function overSocket(port: number, spec: CallSpec): Promise<Answer> {
  const { method, headers, payload } = meaning(spec);
  return new Promise<Answer>((resolve, reject) => {
    const call = request(
      {
        host: '127.0.0.1',
        port,
        path: `/${spec.operation}`,
        method,
        headers: [
          ...(headers.some(([name]) => name === 'host') ? [] : [['host', `127.0.0.1:${port}`]]),
          ...headers,
          // A body that does not say how long it is.
          ...(payload === undefined || headers.some(([name]) => name === 'transfer-encoding')
            ? []
            : [['content-length', String(Buffer.byteLength(payload))]]),
        ].flat(),
        agent: false,
        ...(spec.signal && { signal: spec.signal }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            header: (name) => {
              const value = response.headers[name];
              return Array.isArray(value) ? value.join(', ') : value;
            },
            text: Buffer.concat(chunks).toString(),
            head: response.rawHeaders.join('\n'),
          }),
        );
      },
    );
    call.on('error', reject);
    call.end(payload);
  });
}

async function inProcess(fetch: NonNullable<Served['fetch']>, spec: CallSpec): Promise<Answer> {
  const { method, headers, payload } = meaning(spec);
  const response = await fetch(
    new Request(`http://127.0.0.1/${spec.operation}`, {
      method,
      headers: headers.map(([name, value]) => [name, value]),
      ...(payload !== undefined && { body: payload }),
      ...(spec.signal && { signal: spec.signal }),
    }),
  );
  if (spec.signal?.aborted) {
    // As a runtime does, which has nobody left to send it to.
    await response.body?.cancel();
    spec.signal.throwIfAborted();
  }
  return {
    status: response.status,
    header: (name) => response.headers.get(name) ?? undefined,
    text: await response.text(),
    head: [...response.headers].flat().join('\n'),
  };
}
