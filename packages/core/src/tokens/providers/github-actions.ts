import { assertConfiguration } from '../../lib/configuration-error.ts';
import { assertKnownOptions } from '../../lib/options.ts';
import type { TrustedIssuer } from '../jwt-issuers.ts';

/** Options of {@link githubActions}. */
export interface GithubActionsOptions {
  /** What this API is called in `aud`. */
  readonly audience: string | readonly string[];
  /** The repositories (`owner/name`) whose workflows may call. */
  readonly repositories: readonly string[];
  /** The deployment environments they must run in. Default: any. */
  readonly environments?: readonly string[] | undefined;
  /** The refs they must run on, like `refs/heads/main`. Default: any. */
  readonly refs?: readonly string[] | undefined;
}

/**
 * The OpenID Connect tokens of GitHub Actions, for one or several repositories.
 *
 * They are made for whatever `aud` a workflow asks for, by anybody's workflow: `repository` says whose it is, and must
 * be one of those listed. Where it matters, name the environment or the ref as well.
 *
 * @throws ConfigurationError without a repository.
 * @example
 * authenticateJwt(githubActions({ audience: 'https://deploy.example.com', repositories: ['acme/shop'] }))
 */
export function githubActions(options: GithubActionsOptions): TrustedIssuer {
  assertKnownOptions('githubActions', options, [
    'audience',
    'repositories',
    'environments',
    'refs',
  ]);
  const { audience, repositories, environments, refs } = options;
  assertConfiguration(
    Array.isArray(repositories) &&
      repositories.length > 0 &&
      repositories.every((r) => REPOSITORY.test(r)),
    'githubActions: repositories must list who may call, like acme/shop.',
  );
  return {
    issuer: 'https://token.actions.githubusercontent.com',
    audience,
    algorithms: ['RS256'],
    profile: 'jwt',
    requiredClaims: [
      { claim: 'repository', is: repositories },
      ...(environments === undefined ? [] : [{ claim: 'environment', is: environments }]),
      ...(refs === undefined ? [] : [{ claim: 'ref', is: refs }]),
    ],
    scopes: [],
    roles: [],
  };
}

const REPOSITORY = /^[A-Za-z0-9][A-Za-z0-9-]{0,38}\/[A-Za-z0-9._-]{1,100}$/;
