import { authenticateJwt, guard, requireScopes, type TrustedIssuer } from '@apisec/core';

/** Who may read orders. The issuer is handed over, so that tests bring one of their own. */
export const orders = (trusted: TrustedIssuer) =>
  guard().use(authenticateJwt(trusted)).use(requireScopes('orders:read'));
