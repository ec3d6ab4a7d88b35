import type { TrustedIssuer } from '../jwt-issuers.ts';

/** The id of a directory. */
export const TENANT: RegExp = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** How Entra ID says what it says, in both versions. */
export const ENTRA_CLAIMS: Pick<
  TrustedIssuer,
  'profile' | 'accessTokenSigns' | 'clientIds' | 'scopes' | 'roles' | 'algorithms'
> = {
  profile: 'jwt',
  algorithms: ['RS256'],
  accessTokenSigns: [{ claim: 'azp' }, { claim: 'appid' }],
  clientIds: ['azp', 'appid'],
  scopes: ['scp'],
  roles: ['roles'],
};
