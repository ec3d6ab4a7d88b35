import { assertConfiguration } from '../../lib/configuration-error.ts';
import { assertKnownOptions } from '../../lib/options.ts';
import type { TrustedIssuer } from '../jwt-issuers.ts';
import { addressOption } from './provider.ts';

/** Options of {@link gitlab}. */
export interface GitlabOptions {
  /** The instance. Default: `https://gitlab.com`. */
  readonly issuer?: string | undefined;
  /** What this API is called in `aud`. */
  readonly audience: string | readonly string[];
  /** The projects (`group/name`) whose jobs may call. */
  readonly projects: readonly string[];
}

/**
 * The ID tokens of GitLab CI jobs, for one or several projects.
 *
 * They are made for whatever `aud` a job asks for, by anybody's job: `project_path` says whose it is, and must be one
 * of those listed.
 *
 * @throws ConfigurationError without a project.
 * @example
 * authenticateJwt(gitlab({ audience: 'https://deploy.example.com', projects: ['acme/shop'] }))
 */
export function gitlab(options: GitlabOptions): TrustedIssuer {
  assertKnownOptions('gitlab', options, ['issuer', 'audience', 'projects']);
  const { issuer = 'https://gitlab.com', audience, projects } = options;
  assertConfiguration(
    Array.isArray(projects) && projects.length > 0 && projects.every((each) => PROJECT.test(each)),
    'gitlab: projects must list who may call, like acme/shop.',
  );
  return {
    issuer: addressOption('gitlab', 'issuer', issuer),
    audience,
    algorithms: ['RS256'],
    profile: 'jwt',
    accessTokenSigns: [{ claim: 'job_id' }],
    requiredClaims: [{ claim: 'project_path', is: projects }],
    scopes: [],
    roles: [],
  };
}

const PROJECT = /^[\w.-]+(?:\/[\w.-]+){1,20}$/;
