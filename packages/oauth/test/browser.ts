import { request as httpRequest } from 'node:http';

/** What a browser does about cookies and redirects, and no more: no check of prefixes, since tests run without TLS. */
export class Browser {
  readonly jars = new Map<string, Map<string, string>>();

  cookies(origin: string): Map<string, string> {
    const jar = this.jars.get(origin) ?? new Map<string, string>();
    this.jars.set(origin, jar);
    return jar;
  }

  async request(url: string, init: RequestInit = {}): Promise<Response> {
    const { origin } = new URL(url);
    const jar = this.cookies(origin);
    const headers = new Headers(init.headers);
    if (jar.size > 0 && !headers.has('cookie')) {
      headers.set('cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '));
    }
    const response = await send(url, { ...init, headers });
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';');
      const name = pair.slice(0, pair.indexOf('='));
      const value = pair.slice(pair.indexOf('=') + 1);
      const isGone = attributes.some(
        (each) => /^\s*max-age=0$/i.test(each) || /^\s*expires=thu, 01 jan 1970/i.test(each),
      );
      if (isGone) jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  }

  /** Opens a page as a user would, and follows redirects until there are none or `stop` says so. */
  async open(url: string, stop: (url: string) => boolean = () => false): Promise<Visit> {
    let at = url;
    for (let hops = 0; hops < 20; hops++) {
      if (stop(at)) return { url: at, response: undefined };
      const response = await this.request(at, { headers: NAVIGATION });
      const location = response.headers.get('location');
      if (location === null || response.status < 300 || response.status > 399) {
        return { url: at, response };
      }
      await response.body?.cancel();
      at = new URL(location, at).href;
    }
    throw new Error('too many redirects');
  }
}

/** One request, just as it is written: global `fetch` says `sec-fetch-mode: cors` whatever it is told. */
export function send(
  url: string,
  { method = 'GET', headers, body }: Pick<RequestInit, 'method' | 'headers' | 'body'> = {},
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      url,
      { method, agent: false, headers: Object.fromEntries(new Headers(headers)) },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const answered = new Headers();
          for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
            answered.append(incoming.rawHeaders[at] ?? '', incoming.rawHeaders[at + 1] ?? '');
          }
          const { statusCode: status = 0 } = incoming;
          const bytes = Buffer.concat(chunks);
          const bodiless = status === 204 || status === 304;
          resolve(new Response(bodiless ? null : bytes, { status, headers: answered }));
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(typeof body === 'string' ? body : undefined);
  });
}

export interface Visit {
  readonly url: string;
  readonly response: Response | undefined;
}

export const NAVIGATION = {
  accept: 'text/html',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-site': 'none',
} as const;
