import { createHash, randomUUID } from 'node:crypto';
import { type RequestOptions, request } from 'node:https';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import type { Authority, Identity } from './certificates.ts';
import type { AuthorizationServer } from './provider.ts';

/** What came back. */
export interface Answer {
  readonly status: number;
  readonly challenge: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A call with what proves who makes it. */
export interface Call {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly certificate?: Identity | undefined;
  readonly form?: Readonly<Record<string, string>>;
}

/** Calls over TLS, trusting the authority of this run; global `fetch` can show no certificate. */
export function caller({ ca }: Authority): (url: string, call?: Call) => Promise<Answer> {
  return (url, { method = 'GET', headers = {}, certificate, form } = {}) => {
    const options: RequestOptions = { method, ca, agent: false, ...certificate };
    return new Promise((resolve, reject) => {
      const outgoing = request(url, options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            challenge: response.headers['www-authenticate'],
            body: JSON.parse(Buffer.concat(chunks).toString() || '{}') as Answer['body'],
          }),
        );
      });
      outgoing.on('error', reject);
      for (const [name, value] of Object.entries(headers)) outgoing.setHeader(name, value);
      if (form) outgoing.setHeader('content-type', 'application/x-www-form-urlencoded');
      outgoing.end(form && new URLSearchParams(form).toString());
    });
  };
}

/** A key that tokens can be bound to, and the proofs that go with them (RFC 9449). */
export interface DpopKey {
  readonly proof: (method: string, url: string, token?: string) => Promise<string>;
}

export async function createDpopKey(): Promise<DpopKey> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwk: JWK = await exportJWK(publicKey);
  return {
    proof: (method, url, token) =>
      new SignJWT({
        htm: method,
        htu: url,
        jti: randomUUID(),
        ...(token && { ath: createHash('sha256').update(token).digest('base64url') }),
      })
        .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
        .setIssuedAt()
        .sign(privateKey),
  };
}

/** Asks for a token by client credentials, bound to a DPoP key or a certificate where one is given. */
export async function obtainToken(
  server: AuthorizationServer,
  authority: Authority,
  ask: { client: 'shop' | 'bank'; resource: string; dpop?: DpopKey; certificate?: Identity },
): Promise<string> {
  const { client, resource, dpop, certificate } = ask;
  const { status, body } = await caller(authority)(`${server.mtlsIssuer}/token`, {
    method: 'POST',
    certificate,
    headers: {
      authorization: `Basic ${btoa(`${client}:${server.clientSecret}`)}`,
      ...(dpop && { dpop: await dpop.proof('POST', `${server.mtlsIssuer}/token`) }),
    },
    form: { grant_type: 'client_credentials', scope: 'orders:read', resource },
  });
  const token = body['access_token'];
  if (typeof token !== 'string') throw new Error(`No token: ${status} ${JSON.stringify(body)}`);
  return token;
}

/** Ends a token before its time (RFC 7009). */
export async function revokeToken(
  { mtlsIssuer, clientSecret }: AuthorizationServer,
  authority: Authority,
  token: string,
): Promise<void> {
  await caller(authority)(`${mtlsIssuer}/token/revocation`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`shop:${clientSecret}`)}` },
    form: { token },
  });
}
