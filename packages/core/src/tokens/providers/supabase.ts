import { remoteJwks } from '../../crypto/remote-jwks.ts';
import { assertKnownOptions, assertOneOf } from '../../lib/options.ts';
import type { TrustedIssuer } from '../jwt-issuers.ts';
import { nameOption } from './provider.ts';

/** Options of {@link supabase}. */
export interface SupabaseOptions {
  /** The reference of the project, in front of `.supabase.co`. */
  readonly project: string;
  /** Takes users who signed in anonymously as well. Default: false, and they stay out. */
  readonly anonymous?: boolean | undefined;
}

/**
 * The access tokens of Supabase Auth, of a project with asymmetric signing keys.
 *
 * `aud` is `authenticated` for everybody who signed in; `role` says the same. That goes for anonymous sign-ins
 * (`is_anonymous`) too, which stay out unless `anonymous` is set. `session_id` tells them from the project's own keys
 * (`anon`, `service_role`), which are JWTs as well and stay out.
 *
 * @throws ConfigurationError for a project that Supabase would not name so.
 * @example
 * authenticateJwt(supabase({ project: 'abcdefghijklmnopqrst' }))
 */
export function supabase(options: SupabaseOptions): TrustedIssuer {
  assertKnownOptions('supabase', options, ['project', 'anonymous']);
  assertOneOf('supabase', 'anonymous', options.anonymous ?? false, [true, false]);
  const project = nameOption('supabase', 'project', options.project, /^[a-z0-9]{8,40}$/);
  const issuer = `https://${project}.supabase.co/auth/v1`;
  return {
    issuer,
    audience: 'authenticated',
    keys: remoteJwks(`${issuer}/.well-known/jwks.json`),
    algorithms: ['ES256', 'RS256'],
    profile: 'jwt',
    accessTokenSigns: [{ claim: 'session_id' }],
    requiredClaims: [
      { claim: 'role', is: 'authenticated' },
      ...(options.anonymous === true ? [] : [{ claim: 'is_anonymous', isNot: true }]),
    ],
    scopes: [],
    roles: ['role', ['app_metadata', 'roles']],
  };
}
