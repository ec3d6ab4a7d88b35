import { createServer as createHttps } from 'node:https';
import { altNames, createAuthority } from '@apisec/conformance/certificates';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { listen, openFetch, outcome, serve } from '../../test/kit.ts';
import type { SafeFetchOptions } from './safe-fetch.ts';

let authority: Awaited<ReturnType<typeof createAuthority>>;
beforeAll(async () => {
  authority = await createAuthority('Test authority');
});

/** An https server whose certificate names these. */
async function secure(
  ...names: { readonly type: 'dns' | 'ip'; readonly value: string }[]
): Promise<number> {
  const { cert, key } = await authority.issue('server', [altNames(...names)]);
  const server = createHttps({ cert, key }, (request, response) => {
    // The type of a TLS socket has the name that the client asked for.
    const { servername } = request.socket as unknown as { servername?: string | false };
    response.end(String(servername));
  });
  return listen(server);
}

const toLoopback = (options: SafeFetchOptions = {}): SafeFetchOptions => ({
  resolve: async () => ['127.0.0.1'],
  tls: { ca: authority.cert.toString() },
  ...options,
});

describe('a pinned TLS connection', () => {
  test('is checked against the name, not the address', async () => {
    const port = await secure({ type: 'dns', value: 'api.example.com' });
    const fetch = openFetch([{ port }], toLoopback());
    const response = await fetch(`https://api.example.com:${port}/`);
    expect(await response.text()).toBe('api.example.com');
  });

  test.each([
    ['for another name', 'other.example.com'],
    ['for a name that only looks like it', 'api.example.com.evil.com'],
  ])('with a certificate %s is not made', async (_name, value) => {
    const port = await secure({ type: 'dns', value });
    const fetch = openFetch([{ port }], toLoopback());
    expect(await outcome(fetch(`https://api.example.com:${port}/`))).toBe(
      'egress.certificate_invalid',
    );
  });

  test.each([
    ['alone', []],
    ['beside an address', [altNames({ type: 'ip', value: '127.0.0.1' })]],
    ['beside an e-mail address', [altNames({ type: 'email', value: 'a@example.com' })]],
  ] as const)(
    'with a certificate that has the name as its common name %s is not made',
    async (_name, names) => {
      const { cert, key } = await authority.issue('api.example.com', [...names]);
      const port = await listen(createHttps({ cert, key }, (_, response) => response.end()));
      const fetch = openFetch([{ port }], toLoopback());
      expect(await outcome(fetch(`https://api.example.com:${port}/`))).toBe(
        'egress.certificate_invalid',
      );
    },
  );

  test('with a certificate for the address alone is not made for the name', async () => {
    const port = await secure({ type: 'ip', value: '127.0.0.1' });
    const fetch = openFetch([{ port }], toLoopback());
    expect(await outcome(fetch(`https://api.example.com:${port}/`))).toBe(
      'egress.certificate_invalid',
    );
    expect(await outcome(fetch(`https://127.0.0.1:${port}/`))).toBe(200);
  });

  test('with a certificate that nobody vouches for is not made, whatever the environment says', async () => {
    const port = await secure({ type: 'dns', value: 'api.example.com' });
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    try {
      const fetch = openFetch([{ port }], toLoopback({ tls: {} }));
      expect(await outcome(fetch(`https://api.example.com:${port}/`))).toBe(
        'egress.certificate_invalid',
      );
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test('of one safe fetch is never used by another with other TLS options', async () => {
    const port = await secure({ type: 'dns', value: 'api.example.com' });
    const trusting = openFetch([{ port }], toLoopback());
    const strict = openFetch([{ port }], toLoopback({ tls: {} }));
    expect(await outcome(trusting(`https://api.example.com:${port}/`))).toBe(200);
    expect(await outcome(strict(`https://api.example.com:${port}/`))).toBe(
      'egress.certificate_invalid',
    );
  });

  test('is left for http by a redirect only where that was asked for', async () => {
    const { cert, key } = await authority.issue('server', [
      altNames({ type: 'dns', value: 'api.example.com' }),
    ]);
    const port = await listen(
      createHttps({ cert, key }, (_, response) =>
        response.writeHead(302, { location: `http://api.example.com:${plain.port}/` }).end(),
      ),
    );
    const plain = await serve((_, response) => response.end('plain'));
    const url = `https://api.example.com:${port}/`;
    const fetch = openFetch([{ port }, plain], toLoopback());
    expect(await outcome(fetch(url))).toBe('egress.redirect_downgrade');
    expect(plain.requests).toHaveLength(0);
    const lax = openFetch([{ port }, plain], toLoopback({ insecureAllowDowngrade: true }));
    expect(await (await lax(url)).text()).toBe('plain');
  });

  test('to a host that speaks no TLS ends with the timeout of connecting, not with that of the call', async () => {
    const port = await listen((await import('node:net')).createServer(() => undefined));
    const fetch = openFetch([{ port }], toLoopback({ connectTimeout: '100ms' }));
    expect(await outcome(fetch(`https://api.example.com:${port}/`))).toBe(
      'egress.connection_failed',
    );
  });
});
