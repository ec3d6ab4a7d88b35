import { decodeBase64url, encodeBase64url } from '../lib/base64url.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { assertSecretBytes } from '../lib/secret-bytes.ts';

/** Options of {@link stepTokens}. */
export interface StepTokensOptions<Step extends string = string> {
  /** The name of the flow, which tells its tokens from those of others. */
  readonly flow: string;
  /** The steps in their order, at least two. */
  readonly steps: readonly Step[];
  /**
   * At least 32 random bytes each, the same on every node. The first signs, all of them are accepted: to change
   * it, first put the new one behind it everywhere, then in front, then take the old one away.
   */
  readonly secrets: readonly Uint8Array[];
  /** How long the next step may be taken, from `1s` to `1d`. Default: `15m`. */
  readonly lifetime?: Duration | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** A token that is good: signed here, for this flow, step and principal, and not expired. */
export interface StepTicket {
  /** The key under which a used token is remembered. */
  readonly id: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** Tokens of one flow. */
export interface StepTokens<Step extends string = string> {
  readonly flow: string;
  readonly steps: readonly Step[];
  /**
   * The token that says that this principal has taken this step, in this tenant where there are tenants. Neither of
   * their names is in it.
   */
  readonly issue: (step: Step, principal: string, tenant?: string) => Promise<string>;
  /** Whether a token says so. It does not look whether it was used before: `requireStep` does. */
  readonly verify: (
    token: string,
    step: Step,
    principal: string,
    tenant?: string,
  ) => Promise<StepTicket | 'expired' | 'denied'>;
}

const NAME = 'stepTokens';
const HMAC = { name: 'HMAC', hash: 'SHA-256' };
const MOST_SECRETS = 8;
const MOST_STEPS = 100;
const OPTIONS = ['flow', 'steps', 'secrets', 'lifetime', 'now'] as const;
const ID_BYTES = 16;
/** Step, expiry, id and signature. */
const TOKEN = /^(\d{1,2})\.(\d{1,16})\.([\w-]{22})\.([\w-]{43})$/;
const encoder = new TextEncoder();

/**
 * Signed, short-lived tokens for flows that must follow an order: who has taken a step gets the token that the
 * next one asks for with `requireStep`. Each is bound to the flow, the step and the principal.
 *
 * @throws ConfigurationError for a secret that is too short, fewer than two steps, a step that is there
 * twice, or a lifetime outside 1 second to a day.
 * @example
 * const checkout = stepTokens({ flow: 'checkout', steps: ['cart', 'address', 'payment'], secrets: [secret] });
 * const token = await checkout.issue('cart', facts.principal.id);
 */
export function stepTokens<const Step extends string>(
  options: StepTokensOptions<Step>,
): StepTokens<Step> {
  assertKnownOptions(NAME, options, OPTIONS);
  const { flow, now = () => Date.now() } = options;
  const lifetimeMs = durationMs(NAME, 'lifetime', options.lifetime ?? '15m', {
    min: '1s',
    max: '1d',
  });
  const steps = Object.freeze([...options.steps]);
  assertConfiguration(
    typeof flow === 'string' && flow !== '',
    `${NAME}: give the flow a name, which tells its tokens from those of others.`,
  );
  assertConfiguration(
    steps.length >= 2 && steps.length <= MOST_STEPS && new Set(steps).size === steps.length,
    `${NAME}: steps must be 2 to ${MOST_STEPS} different names, in their order.`,
  );
  assertConfiguration(
    Array.isArray(options.secrets) &&
      options.secrets.length > 0 &&
      options.secrets.length <= MOST_SECRETS,
    `${NAME}: give 1 to ${MOST_SECRETS} secrets, the one that signs first.`,
  );
  const keys = options.secrets.map(keyFrom);
  /** JSON keeps the members apart whatever is in them. */
  const signed = (index: number, expiresAt: number, id: string, who: readonly string[]) =>
    encoder.encode(JSON.stringify(['apisec step token', flow, index, expiresAt, id, ...who]));

  return Object.freeze<StepTokens<Step>>({
    flow,
    steps,
    issue: async (step, principal, tenant) => {
      const index = steps.indexOf(step);
      if (index < 0 || principal === '' || tenant === '')
        throw new RangeError(`${NAME}: no such step, principal or tenant.`);
      const id = encodeBase64url(crypto.getRandomValues(new Uint8Array(ID_BYTES)));
      const expiresAt = Math.floor(now() + lifetimeMs);
      // There is at least one.
      const key = await (keys[0] as () => Promise<CryptoKey>)();
      const data = signed(index, expiresAt, id, whoIs(principal, tenant));
      const signature = new Uint8Array(await crypto.subtle.sign('HMAC', key, data));
      return `${index}.${expiresAt}.${id}.${encodeBase64url(signature)}`;
    },
    verify: async (token, step, principal, tenant) => {
      const [, index, expiry, id = '', mac = ''] = TOKEN.exec(token) ?? [];
      const signature = decodeBase64url(mac);
      const expiresAt = Number(expiry);
      if (signature === undefined || Number(index) !== steps.indexOf(step)) return 'denied';
      const data = signed(Number(index), expiresAt, id, whoIs(principal, tenant));
      for (const key of keys) {
        if (!(await crypto.subtle.verify('HMAC', await key(), signature, data))) continue;
        return expiresAt > now() ? { id, expiresAt } : 'expired';
      }
      return 'denied';
    },
  });
}

function whoIs(principal: string, tenant: string | undefined): readonly string[] {
  return tenant === undefined ? [principal] : [principal, tenant];
}

/** The key is copied at once and imported once. */
function keyFrom(secret: Uint8Array): () => Promise<CryptoKey> {
  assertSecretBytes(`${NAME}: each secret`, secret);
  const bytes = new Uint8Array(secret);
  let key: Promise<CryptoKey> | undefined;
  return () => (key ??= crypto.subtle.importKey('raw', bytes, HMAC, false, ['sign', 'verify']));
}
