import { startIdentityProvider } from 'apisec-example-identity-provider';

/** The API in tokens. */
export const API = 'https://orders.example.com';

/** An identity provider that knows the backend of the page, and rotates its refresh tokens. */
export async function startProvider(origin: string) {
  const clientSecret = crypto.randomUUID();
  /** Of the next access tokens. */
  const lifetime = { seconds: 300 };
  const { issuer, provider, close } = await startIdentityProvider({
    apis: { [API]: 'orders:read' },
    clients: [
      {
        client_id: 'shop',
        client_secret: clientSecret,
        redirect_uris: [`${origin}/auth/callback`],
        post_logout_redirect_uris: [`${origin}/`],
        backchannel_logout_uri: `${origin}/auth/backchannel-logout`,
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    ttl: { AccessToken: () => lifetime.seconds },
    features: {
      backchannelLogout: { enabled: true },
      revocation: { enabled: true, allowedPolicy: () => true },
    },
  });
  let refreshes = 0;
  provider.on('grant.success', ({ oidc }) => {
    if (oidc.params?.['grant_type'] === 'refresh_token') refreshes++;
  });
  return { issuer, clientSecret, lifetime, refreshes: () => refreshes, close };
}
