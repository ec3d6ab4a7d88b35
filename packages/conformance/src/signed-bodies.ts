import {
  type Admission,
  type AuthenticatedFacts,
  allowAuthenticated,
  authenticateSignature,
  guard,
  type HttpFacts,
  type RawBodyFacts,
  signRequest,
} from '@apisec/core';
import { describe, expect, test } from 'vitest';

/** Most bytes of a body that a subject reads (its option `maxBodyBytes`). */
export const SIGNED_BODY_BYTES = 1_000;

type SignedAdmission = Admission<
  HttpFacts & RawBodyFacts,
  HttpFacts & RawBodyFacts & AuthenticatedFacts
>;

/** An adapter whose guard needs the bytes of bodies (`rawBody`), on a server that listens on loopback. */
export interface SignedBodiesSubject {
  readonly name: string;
  /** Serves `POST /orders`, which answers `{ body, bytes, subject }` as JSON; answers the origin of the server. */
  readonly start: (admission: SignedAdmission) => Promise<string>;
}

const PUBLIC_ORIGIN = 'https://api.example.com';
const JSON_TYPE = 'application/json';
const same = (text: string): string => text;
const raised = (text: string): string => text.replace('5', '9');

/** Bodies with signatures: handlers find the body parsed and its bytes; a body that was changed is denied. */
export function describeSignedBodies({ name, start }: SignedBodiesSubject): void {
  describe(`signed bodies on ${name}`, () => {
    const key = crypto.getRandomValues(new Uint8Array(32));
    const keys = { partner: { algorithm: 'hmac-sha256', key, subject: 'partner' } } as const;

    /** Signed for the public origin, changed on the way, sent to where the server listens. */
    const send = async (body: string, type: string, change = same): Promise<Response> => {
      const admission = guard<HttpFacts & RawBodyFacts>()
        .use(authenticateSignature({ publicOrigin: PUBLIC_ORIGIN, keys }))
        .use(allowAuthenticated());
      const origin = await start(admission);
      const headers = { 'content-type': type };
      const request = new Request(`${PUBLIC_ORIGIN}/orders`, { method: 'POST', body, headers });
      const signed = await signRequest(request, {
        keyid: 'partner',
        algorithm: 'hmac-sha256',
        key,
      });
      const changed = change(await signed.text());
      return fetch(`${origin}/orders`, { method: 'POST', headers: signed.headers, body: changed });
    };

    test.each<[string, string, string, unknown]>([
      ['JSON', '{"a":[1,2]}', JSON_TYPE, { a: [1, 2] }],
      ['text', 'hello', 'text/plain', 'hello'],
    ])(
      '%s passes with its bytes, and handlers find it parsed',
      async (_name, body, type, parsed) => {
        const response = await send(body, type);
        expect(response.status).toBe(200);
        const answer = { body: parsed, bytes: body.length, subject: 'partner' };
        expect(await response.json()).toEqual(answer);
      },
    );

    const long = `"${'a'.repeat(2 * SIGNED_BODY_BYTES)}"`;
    test.each<[string, string, (text: string) => string, number, string]>([
      ['a byte that was changed', '{"amount":5}', raised, 401, 'signature.'],
      ['more bytes than allowed', long, same, 413, 'message.too_large'],
    ])('%s denies the call', async (_name, body, change, status, code) => {
      const response = await send(body, JSON_TYPE, change);
      expect(response.status).toBe(status);
      expect(await response.text()).toContain(code);
    });
  });
}
