import { type IdentityProvider, startIdentityProvider } from 'apisec-example-identity-provider';
import { jwtVerify, SignJWT } from 'jose';

/** What the two services are called in tokens. */
export const ORDERS = 'https://orders.example.com';
export const BILLS = 'https://bills.example.com';

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** An authorization server for two clients: the service `orders`, and the job `nightly`. */
export async function startProvider() {
  const secrets = { orders: crypto.randomUUID(), nightly: crypto.randomUUID() };
  const { issuer, provider, keys, close } = await startIdentityProvider({
    apis: { [ORDERS]: 'orders:read', [BILLS]: 'bills:read' },
    clients: [
      client('orders', secrets.orders, TOKEN_EXCHANGE),
      {
        ...client('nightly', secrets.nightly, 'client_credentials'),
        dpop_bound_access_tokens: true,
      },
    ],
    features: { clientCredentials: { enabled: true }, dPoP: { enabled: true } },
  });
  const sign = (claims: Record<string, unknown>) =>
    new SignJWT({ iss: issuer, jti: crypto.randomUUID(), ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ: 'at+jwt' })
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(keys.privateKey);
  exchangeTokens(provider, sign, async (token) => {
    const options = { issuer, audience: ORDERS, typ: 'at+jwt' };
    return (await jwtVerify(token, keys.publicKey, options)).payload.sub;
  });
  return {
    issuer,
    secrets,
    /** What a login at the page of `orders` would give to a user. */
    tokenOf: (user: string) =>
      sign({ sub: user, aud: ORDERS, client_id: 'page', scope: 'orders:read' }),
    close,
  };
}

/** `orders` may act for its own users at `bills`, and nobody else for nobody else anywhere else. */
function exchangeTokens(
  provider: IdentityProvider['provider'],
  sign: (claims: Record<string, unknown>) => Promise<string>,
  userOf: (token: string) => Promise<string | undefined>,
): void {
  const parameters = ['subject_token', 'subject_token_type', 'resource', 'scope'] as const;
  provider.registerGrantType<Partial<Record<(typeof parameters)[number], string>>>(
    TOKEN_EXCHANGE,
    async (context) => {
      const { params, client: actor } = context.oidc;
      const isKnown = params.subject_token_type === ACCESS_TOKEN && params.resource === BILLS;
      const user = isKnown
        ? await userOf(params.subject_token ?? '').catch(() => undefined)
        : undefined;
      if (user === undefined) {
        context.status = 400;
        context.body = { error: isKnown ? 'invalid_grant' : 'invalid_target' };
        return;
      }
      const act = { sub: actor.clientId };
      const claims = { sub: user, aud: BILLS, act, client_id: actor.clientId, scope: 'bills:read' };
      context.body = {
        access_token: await sign(claims),
        issued_token_type: ACCESS_TOKEN,
        token_type: 'Bearer',
        expires_in: 300,
        scope: 'bills:read',
      };
    },
    parameters,
  );
}

function client(id: string, secret: string, grant: string) {
  return {
    client_id: id,
    client_secret: secret,
    grant_types: [grant],
    redirect_uris: [],
    response_types: [],
    scope: 'bills:read',
  };
}
