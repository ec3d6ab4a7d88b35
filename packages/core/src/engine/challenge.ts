import { assertConfiguration } from '../lib/configuration-error.ts';

/** What a challenge says beside the error, the same in each denial of one policy. */
export interface ChallengeOptions {
  /** The protection space that the challenges name (RFC 9110 §11.5). Default: `api`. */
  readonly realm?: string | undefined;
  /** URL of the protected resource metadata, told in challenges as `resource_metadata` (RFC 9728 §5.1). */
  readonly resourceMetadata?: string | undefined;
}

/** The names of {@link ChallengeOptions}, for checks of options. */
export const CHALLENGE_OPTIONS = ['realm', 'resourceMetadata'] as const;

/**
 * The parameters that every challenge of one policy begins with.
 *
 * @throws ConfigurationError when realm or metadata URL cannot stand in a challenge.
 */
export function challengeParams(
  policy: string,
  { realm = 'api', resourceMetadata }: ChallengeOptions,
): Readonly<Record<string, string>> {
  assertConfiguration(
    CHALLENGE_TEXT.test(realm),
    `${policy}: realm must be printable ASCII, no quotes, no backslashes.`,
  );
  assertConfiguration(
    resourceMetadata === undefined ||
      (URL.canParse(resourceMetadata) && CHALLENGE_TEXT.test(resourceMetadata)),
    `${policy}: resourceMetadata must be an absolute URL.`,
  );
  return {
    realm,
    ...(resourceMetadata !== undefined && { resource_metadata: resourceMetadata }),
  };
}

/** What RFC 6750 §3 allows between the quotes. */
const CHALLENGE_TEXT = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/;
