import { type PrivateJwk, signingKey } from '../crypto/signing-key.ts';
import { encodeBase64url } from '../lib/base64url.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertUnpublished } from '../lib/secret-bytes.ts';

/**
 * How this API proves to the issuer who it is.
 *
 * - `client_secret_basic`, `client_secret_post`: RFC 6749 §2.3.1.
 * - `private_key_jwt`: RFC 7523 §2.2. The assertion is for `audience`; default: the issuer.
 * - `tls_client_auth`: RFC 8705 §2; the certificate is that of the `fetch` that is handed in.
 */
export type ClientAuthentication =
  | {
      readonly method: 'client_secret_basic' | 'client_secret_post';
      readonly clientId: string;
      readonly clientSecret: string;
    }
  | {
      readonly method: 'private_key_jwt';
      readonly clientId: string;
      readonly key: PrivateJwk;
      readonly audience?: string | undefined;
    }
  | { readonly method: 'tls_client_auth'; readonly clientId: string };

/** What a request must carry. */
export interface ClientCredentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly params: Readonly<Record<string, string>>;
}

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
/** Seconds that an assertion may be used for. */
const ASSERTION_LIFETIME = 60;

/** @throws ConfigurationError when the method is unknown, or something that it needs is missing. */
export function clientAuthentication(
  policy: string,
  client: ClientAuthentication,
  issuer: string,
  now: () => number,
): () => ClientCredentials | Promise<ClientCredentials> {
  const { clientId } = (client ?? {}) as Partial<ClientAuthentication>;
  assertConfiguration(
    typeof clientId === 'string' && clientId !== '',
    `${policy}: client must say who asks: { method: 'client_secret_basic', clientId, clientSecret }.`,
  );
  if (client.method === 'tls_client_auth') {
    return always({ headers: {}, params: { client_id: clientId } });
  }
  if (client.method === 'private_key_jwt') {
    const { audience = issuer } = client;
    const { sign } = signingKey(policy, client.key);
    return async () => {
      const iat = Math.floor(now() / 1000);
      const claims = {
        iss: clientId,
        sub: clientId,
        aud: audience,
        jti: encodeBase64url(crypto.getRandomValues(new Uint8Array(16))),
        iat,
        exp: iat + ASSERTION_LIFETIME,
      };
      const assertion = await sign(claims, 'client-authentication+jwt');
      const params = {
        client_id: clientId,
        client_assertion_type: ASSERTION_TYPE,
        client_assertion: assertion,
      };
      return { headers: {}, params };
    };
  }
  const { method, clientSecret } = client;
  assertConfiguration(
    method === 'client_secret_basic' || method === 'client_secret_post',
    `${policy}: client.method is 'client_secret_basic', 'client_secret_post', 'private_key_jwt' or ` +
      "'tls_client_auth'.",
  );
  assertConfiguration(
    typeof clientSecret === 'string' && clientSecret !== '',
    `${policy}: ${method} needs clientSecret.`,
  );
  assertUnpublished(`${policy}: client.clientSecret`, clientSecret);
  return always(
    method === 'client_secret_post'
      ? { headers: {}, params: { client_id: clientId, client_secret: clientSecret } }
      : {
          headers: {
            authorization: `Basic ${btoa(`${formEncode(clientId)}:${formEncode(clientSecret)}`)}`,
          },
          params: {},
        },
  );
}

function always(credentials: ClientCredentials): () => ClientCredentials {
  return () => credentials;
}

/** RFC 6749 §2.3.1 has both parts form-encoded first: a colon in the client id would end it otherwise. */
function formEncode(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}
