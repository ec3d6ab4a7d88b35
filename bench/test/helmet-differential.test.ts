import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  allowAnonymous,
  contentSecurityPolicy,
  guard,
  type HttpFacts,
  helmetHeaders,
  hsts,
  type SecurityHeadersOptions,
  securityHeaders,
} from '@apisec/core';
import { secure } from '@apisec/express';
import express, { type RequestHandler } from 'express';
import helmet, { type HelmetOptions, contentSecurityPolicy as helmetPolicy } from 'helmet';
import { describe, expect, onTestFinished, test } from 'vitest';

// helmet beside ours on Express, option by option. Each difference has its reason.

const handled: RequestHandler = (_request, response) => {
  response.end('handled');
};
const OF_NODE = new Set(['connection', 'content-length', 'date', 'keep-alive']);

/** Policies of the order of directives and of spaces that nobody goes by. */
const normal = (name: string, value: string): string =>
  name.startsWith('content-security-policy')
    ? value
        .split(';')
        .map((directive) => directive.trim())
        .filter((directive) => directive !== '')
        .toSorted()
        .join('; ')
    : value;

async function seen(peer: RequestHandler, ours: RequestHandler) {
  const app = express();
  app.use('/peer', peer, handled);
  app.use('/ours', ours, handled);
  const server = createServer(app).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const read = async (path: string): Promise<Record<string, string>> => {
    const { headers } = await fetch(`http://127.0.0.1:${port}/${path}`);
    return Object.fromEntries(
      [...headers]
        .filter(([name]) => !OF_NODE.has(name))
        .map(([name, value]) => [name, normal(name, value)]),
    );
  };
  return { theirs: await read('peer'), own: await read('ours') };
}

const like = (options: SecurityHeadersOptions): RequestHandler =>
  secure(
    guard<HttpFacts>()
      .use(securityHeaders({ ...helmetHeaders, ...options }))
      .use(allowAnonymous()),
  );

describe('as helmet does', () => {
  test.each<[string, HelmetOptions, SecurityHeadersOptions]>([
    ['all of it by default', {}, {}],
    ['no policy of content', { contentSecurityPolicy: false }, { contentSecurityPolicy: false }],
    [
      'a policy of content without its defaults',
      {
        contentSecurityPolicy: {
          useDefaults: false,
          directives: { defaultSrc: ["'self'"], imgSrc: ['https://img.example'] },
        },
      },
      { contentSecurityPolicy: "default-src 'self'; img-src https://img.example" },
    ],
    [
      'HSTS by its parts',
      { hsts: { maxAge: 604_800, includeSubDomains: false } },
      { strictTransportSecurity: hsts({ maxAge: '7d', includeSubDomains: false }) },
    ],
    [
      'HSTS for the preload list',
      { hsts: { maxAge: 63_072_000, includeSubDomains: true, preload: true } },
      { strictTransportSecurity: hsts({ maxAge: '730d', preload: true }) },
    ],
    ['no HSTS', { hsts: false }, { strictTransportSecurity: false }],
    ['nobody frames it', { frameguard: { action: 'deny' } }, { xFrameOptions: 'DENY' }],
    ['no word of frames', { frameguard: false }, { xFrameOptions: false }],
    [
      'a referrer policy with one for older browsers',
      { referrerPolicy: { policy: ['no-referrer', 'strict-origin-when-cross-origin'] } },
      { referrerPolicy: 'no-referrer,strict-origin-when-cross-origin' },
    ],
    ['no referrer policy', { referrerPolicy: false }, { referrerPolicy: false }],
    ['sniffing', { noSniff: false }, { xContentTypeOptions: false }],
    [
      'an embedder policy',
      { crossOriginEmbedderPolicy: { policy: 'credentialless' } },
      { crossOriginEmbedderPolicy: 'credentialless' },
    ],
    [
      'an opener policy',
      { crossOriginOpenerPolicy: { policy: 'same-origin-allow-popups' } },
      { crossOriginOpenerPolicy: 'same-origin-allow-popups' },
    ],
    ['no opener policy', { crossOriginOpenerPolicy: false }, { crossOriginOpenerPolicy: false }],
    [
      'a resource policy',
      { crossOriginResourcePolicy: { policy: 'same-site' } },
      { crossOriginResourcePolicy: 'same-site' },
    ],
    ['DNS ahead of time', { dnsPrefetchControl: { allow: true } }, { xDnsPrefetchControl: 'on' }],
    ['no word of downloads', { ieNoOpen: false }, { xDownloadOptions: false }],
    ['no origin clusters', { originAgentCluster: false }, { originAgentCluster: false }],
    [
      'policies of other domains',
      { permittedCrossDomainPolicies: { permittedPolicies: 'by-content-type' } },
      { xPermittedCrossDomainPolicies: 'by-content-type' },
    ],
    ['no word of XSS filters', { xssFilter: false }, { xXssProtection: false }],
    ['who made it is told', { hidePoweredBy: false }, { remove: [] }],
  ])('%s', async (_name, peer, ours) => {
    const { theirs, own } = await seen(helmet(peer), like(ours));
    expect(own).toEqual(theirs);
  });

  test('a policy with a nonce for each answer', async () => {
    const nonce = /'nonce-[\w+/=-]{16,}'/g;
    const peer = helmetPolicy({
      useDefaults: false,
      directives: {
        'default-src': ["'self'"],
        'script-src': ["'strict-dynamic'", () => `'nonce-${crypto.randomUUID()}'`],
      },
    });
    const directives = {
      'default-src': ["'self'"],
      'script-src': ["'strict-dynamic'", "'nonce'"],
    } as const;
    const ours = secure(
      guard<HttpFacts>().use(contentSecurityPolicy({ directives })).use(allowAnonymous()),
    );
    const { theirs, own } = await seen(peer, ours);
    const [helmets, policy = ''] = [theirs, own].map((headers) =>
      headers['content-security-policy']?.replace(nonce, 'NONCE').split('; '),
    );
    // What no page needs is closed here where nothing is said of it.
    expect(policy).toEqual(expect.arrayContaining(helmets ?? ['none']));
    expect(own['content-security-policy']?.match(nonce)).toHaveLength(1);
  });
});

describe('otherwise than helmet, with the reason', () => {
  const error = expect.objectContaining({ name: 'ConfigurationError' });

  test.each<[string, HelmetOptions, () => unknown]>([
    [
      'preload lists take no site below a year',
      { hsts: { maxAge: 1, preload: true } },
      () => hsts({ maxAge: '1s', preload: true }),
    ],
    [
      'an embedder policy isolates nothing without the opener policy',
      { crossOriginEmbedderPolicy: true, crossOriginOpenerPolicy: false },
      () => like({ crossOriginEmbedderPolicy: 'require-corp', crossOriginOpenerPolicy: false }),
    ],
    [
      'an option that does not exist does nothing',
      { frameGuard: false } as HelmetOptions,
      () => like({ frameGuard: false } as SecurityHeadersOptions),
    ],
  ])('is told at start: %s', (_name, peer, ours) => {
    expect(() => helmet(peer)).not.toThrow();
    expect(ours).toThrow(error);
  });

  test('the options of helmet are told at start, not passed over', () => {
    for (const name of ['hsts', 'frameguard', 'noSniff', 'hidePoweredBy', 'xssFilter']) {
      expect(() => like({ [name]: false })).toThrow(error);
    }
  });
});
