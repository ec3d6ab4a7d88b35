import { authenticateJwt, guard, requireScopes } from '@apisec/core';

export const orders = guard()
  .use(authenticateJwt({ issuer: 'https://id.example.com', audience: 'https://api.example.com' }))
  .use(requireScopes('orders:read'));
