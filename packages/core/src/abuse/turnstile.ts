import { assertConfiguration } from '../lib/configuration-error.ts';
import type { HumanVerdict, HumanVerifier } from './human-verifier.ts';
import { type SiteverifyOptions, siteverify } from './siteverify.ts';

/** Options of {@link turnstile}. */
export interface TurnstileOptions extends SiteverifyOptions {
  /** The action that the widget must have been rendered with. Default: not looked at. */
  readonly action?: string | undefined;
}

const ENDPOINT = 'https://challenges.cloudflare.com/turnstile/v0/siteverify';

/**
 * Verifies tokens of Cloudflare Turnstile for `requireHuman`. A question that got no answer is asked once
 * more under the same `idempotency_key`, so that a lost answer does not use the token up.
 *
 * @throws ConfigurationError when secret or hostnames are missing, the secret is one that the provider publishes for
 * tests, or the endpoint is not https.
 * @example
 * requireHuman({ verifier: turnstile({ secret, hostnames: ['www.example.com'], action: 'sign-up' }) })
 */
export function turnstile(options: TurnstileOptions): HumanVerifier {
  const { action, endpoint = ENDPOINT, sendAddress = false } = options;
  assertConfiguration(
    action === undefined || /^[\w-]{1,32}$/.test(action),
    'turnstile: action must be up to 32 letters, digits, _ and -.',
  );
  const ask = siteverify('turnstile', endpoint, options, 'action');
  return Object.freeze<HumanVerifier>({
    verify: async (token, address): Promise<HumanVerdict> => {
      const parameters = {
        response: token,
        // Another one for each call: with the same one the provider would accept a token again.
        idempotency_key: crypto.randomUUID(),
        ...(sendAddress && address !== undefined && { remoteip: address }),
      };
      const { human, reason, answer } = await ask(parameters).catch(() => ask(parameters));
      if (!human) return { human, reason };
      return action === undefined || answer?.['action'] === action
        ? { human: true }
        : { human: false, reason: 'action' };
    },
  });
}
