import { assertConfiguration } from '../lib/configuration-error.ts';
import type { HumanVerdict, HumanVerifier } from './human-verifier.ts';
import { type SiteverifyOptions, siteverify } from './siteverify.ts';

/** Options of {@link hcaptcha}. */
export interface HcaptchaOptions extends SiteverifyOptions {
  /** The site key that the challenge must have been solved for. Default: any of the account. */
  readonly siteKey?: string | undefined;
}

const ENDPOINT = 'https://api.hcaptcha.com/siteverify';

/**
 * Verifies tokens of hCaptcha for `requireHuman`.
 *
 * @throws ConfigurationError when secret or hostnames are missing, the secret is one that the provider publishes for
 * tests, or the endpoint is not https.
 * @example
 * requireHuman({ verifier: hcaptcha({ secret, hostnames: ['www.example.com'], siteKey }) })
 */
export function hcaptcha(options: HcaptchaOptions): HumanVerifier {
  const { siteKey, endpoint = ENDPOINT, sendAddress = false } = options;
  assertConfiguration(siteKey !== '', 'hcaptcha: siteKey must not be empty.');
  const ask = siteverify('hcaptcha', endpoint, options, 'siteKey');
  return Object.freeze<HumanVerifier>({
    verify: async (token, address): Promise<HumanVerdict> => {
      const { human, reason } = await ask({
        response: token,
        ...(siteKey !== undefined && { sitekey: siteKey }),
        ...(sendAddress && address !== undefined && { remoteip: address }),
      });
      return { human, reason };
    },
  });
}
