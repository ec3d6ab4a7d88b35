import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request } from 'node:https';
import {
  type Admission,
  type AuthenticatedFacts,
  allowAuthenticated,
  authenticateCertificate,
  authenticateJwt,
  type CertificateFacts,
  guard,
  type HttpFacts,
  localJwks,
  requireCertificateBinding,
  requireScopes,
} from '@apisec/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { altNames, createAuthority, type Identity } from './certificates.ts';
import { textMember } from './clients/observe.ts';
import { AUDIENCE, type Credentials, createCredentials, ISSUER } from './credentials.ts';

/** What an HTTPS server of Node needs: it asks for certificates, and leaves it to policies to deny. */
export interface ServerTls {
  readonly key: Buffer;
  readonly cert: Buffer;
  readonly ca: Buffer;
  readonly requestCert: true;
  readonly rejectUnauthorized: false;
}

/** A route to serve: `GET path` answers `{ subject }` of the principal. */
export interface MutualTlsRoute {
  readonly path: string;
  readonly admission: Admission<HttpFacts & CertificateFacts, HttpFacts & AuthenticatedFacts>;
}

/** An adapter behind a TLS server of its own. */
export interface MutualTlsSubject {
  readonly name: string;
  readonly start: (
    tls: ServerTls,
    routes: readonly MutualTlsRoute[],
  ) => Promise<{ readonly port: number; readonly close: () => Promise<void> }>;
}

interface Running {
  readonly credentials: Credentials;
  readonly authority: Identity;
  readonly port: number;
  readonly close: () => Promise<void>;
}

interface Call {
  readonly path: string;
  readonly client?: Identity | undefined;
  readonly token?: string | undefined;
}

const WORKLOAD = 'spiffe://prod.example.test/checkout';

/** Certificates over real TLS connections: tokens that are bound to one, and one as an identity. */
export function describeMutualTls({ name, start }: MutualTlsSubject): void {
  describe(`mutual TLS: ${name}`, () => {
    let running: Running | undefined;
    const get = (): Running => {
      if (running === undefined) throw new Error('The subject did not start.');
      return running;
    };
    const issue = async (uri: string): Promise<Identity> =>
      get().authority.issue('client', [altNames({ type: 'url', value: uri })]);
    const bind = async ({ der }: Identity): Promise<string> =>
      get().credentials.token({
        claims: { cnf: { 'x5t#S256': createHash('sha256').update(der).digest('base64url') } },
      });

    beforeAll(async () => {
      const credentials = await createCredentials();
      const authority = await createAuthority('authority');
      const { key, cert } = await authority.issue('server', [
        altNames({ type: 'dns', value: 'localhost' }),
      ]);
      const tls = { key, cert, ca: authority.cert, requestCert: true, rejectUnauthorized: false };
      const served = await start(tls as ServerTls, routesOf(credentials));
      running = { credentials, authority, ...served };
    });
    afterAll(async () => running?.close());

    test('a bound token with its certificate is admitted, again and again', async () => {
      const client = await issue(WORKLOAD);
      const token = await bind(client);
      for (let call = 0; call < 2; call++) {
        expect(await ask(get(), { path: '/bound', client, token })).toBe('200 alice');
      }
    });

    test('a bound token is denied with another certificate, and without one', async () => {
      const token = await bind(await issue(WORKLOAD));
      const thief = await issue(WORKLOAD);
      const denied = await ask(get(), { path: '/bound', client: thief, token });
      expect(denied).toBe('401 certificate.mismatch');
      expect(await ask(get(), { path: '/bound', token })).toBe('401 certificate.missing');
    });

    test('an untrusted certificate does not count, whatever the token says', async () => {
      const stranger = await createAuthority('stranger');
      const client = await stranger.issue('client', [altNames({ type: 'url', value: WORKLOAD })]);
      const token = await bind(client);
      expect(await ask(get(), { path: '/bound', client, token })).toBe('401 certificate.missing');
      expect(await ask(get(), { path: '/mesh', client })).toBe('401 certificate.missing');
    });

    test('a certificate that its client has made counts where that was asked for, and only as the one that it is', async () => {
      const client = await createAuthority('self-made');
      const token = await bind(client);
      expect(await ask(get(), { path: '/self-made', client, token })).toBe('200 alice');
      expect(await ask(get(), { path: '/bound', client, token })).toBe('401 certificate.missing');
      const thief = await createAuthority('self-made');
      const denied = await ask(get(), { path: '/self-made', client: thief, token });
      expect(denied).toBe('401 certificate.mismatch');
      expect(await ask(get(), { path: '/self-made', token })).toBe('401 certificate.missing');
      const known = await issue(WORKLOAD);
      const bound = await bind(known);
      expect(await ask(get(), { path: '/self-made', client: known, token: bound })).toBe(
        '200 alice',
      );
      expect(await ask(get(), { path: '/mesh', client })).toBe('401 certificate.missing');
    });

    test('a header is no certificate', async () => {
      const client = await issue(WORKLOAD);
      const header = `:${Buffer.from(client.der).toString('base64')}:`;
      const headers = { 'client-cert': header, 'x-forwarded-client-cert': header };
      expect(await ask(get(), { path: '/mesh' }, headers)).toBe('401 certificate.missing');
    });

    test('a token that is not bound needs no certificate', async () => {
      const token = await get().credentials.token();
      expect(await ask(get(), { path: '/bound', token })).toBe('200 alice');
    });

    test('a workload is known by its certificate', async () => {
      const client = await issue(WORKLOAD);
      expect(await ask(get(), { path: '/mesh', client })).toBe(`200 ${WORKLOAD}`);
    });

    test('a workload of another trust domain is not', async () => {
      const client = await issue('spiffe://evil.example.test/checkout');
      const denied = await ask(get(), { path: '/mesh', client });
      expect(denied).toBe('401 certificate.identity_refused');
    });
  });
}

function routesOf({ jwks }: Credentials): readonly MutualTlsRoute[] {
  const base = guard<HttpFacts & CertificateFacts>();
  return [
    {
      path: '/bound',
      admission: base
        .use(authenticateJwt({ issuer: ISSUER, audience: AUDIENCE, keys: localJwks(jwks) }))
        .use(requireCertificateBinding())
        .use(requireScopes('orders:read')),
    },
    {
      path: '/self-made',
      admission: base
        .use(authenticateJwt({ issuer: ISSUER, audience: AUDIENCE, keys: localJwks(jwks) }))
        .use(requireCertificateBinding({ selfSigned: true }))
        .use(requireScopes('orders:read')),
    },
    {
      path: '/mesh',
      admission: base
        .use(authenticateCertificate({ identity: 'spiffe', trustDomains: ['prod.example.test'] }))
        .use(allowAuthenticated()),
    },
  ];
}

/** Status, and the subject that was admitted or the code of the denial. */
async function ask(
  { port, authority }: Running,
  { path, client, token }: Call,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  const agent = new Agent();
  const call = request({
    agent,
    host: 'localhost',
    port,
    path,
    ca: authority.cert,
    ...(client && { key: client.key, cert: client.cert }),
    headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
  }).end();
  // The event has one argument, the answer.
  const [response] = (await once(call, 'response')) as [
    NodeJS.ReadableStream & { statusCode: number },
  ];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  agent.destroy();
  const body: unknown = JSON.parse(text);
  return `${response.statusCode} ${textMember(body, 'subject') ?? textMember(body, 'code')}`;
}
