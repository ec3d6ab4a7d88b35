import { startIdentityProvider } from 'apisec-example-identity-provider';

/** The API in tokens. */
export const ORDERS = 'https://orders.example.com';

/** An identity provider that knows the command line, which has no secret. */
export const startProvider = () =>
  startIdentityProvider({
    apis: { [ORDERS]: 'orders:read' },
    clients: [
      {
        client_id: 'command-line',
        token_endpoint_auth_method: 'none',
        redirect_uris: [],
        response_types: [],
        grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
      },
    ],
    features: { deviceFlow: { enabled: true } },
  });
