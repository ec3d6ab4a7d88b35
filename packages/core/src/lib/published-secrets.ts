import { encodeBase64url } from './base64url.ts';

/** Secrets of documentation, standards and defaults, as text. */
const TEXTS: ReadonlySet<string> = new Set([
  // jwt.io.
  'your-256-bit-secret',
  'your-384-bit-secret',
  'your-512-bit-secret',
  'a-string-secret-at-least-256-bits-long',
  'a-valid-string-secret-that-is-at-least-384-bits-long',
  'a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long',
  // Supabase, self-hosted.
  'super-secret-jwt-token-with-at-least-32-characters-long',
  'your-super-secret-jwt-token-with-at-least-32-characters-long',
  // iron-session, express-session, Auth.js and what is copied from their pages.
  'complex_password_at_least_32_characters_long',
  'this_is_a_secret_at_least_32_characters_long',
  'keyboard cat',
  // Here, and what becomes of a setting that is not there.
  'from your settings',
  'undefined',
  'null',
  // OAuth clients: RFC 6749, RFC 7591, RFC 7592, OpenID Connect Registration.
  '7Fjfp0ZBr1KtDRbnfVdmIw',
  'gX1fBat3bV',
  'cf136dc3c1fc93f31185e5885805d',
  'ZJYCqe3GGRvdrudKyZS0XhGv_Z45DuKhCUk0gBR1vZk',
  // Challenges: what Turnstile, hCaptcha and reCAPTCHA answer to as in a test.
  '1x0000000000000000000000000000000AA',
  '2x0000000000000000000000000000000AA',
  '3x0000000000000000000000000000000AA',
  '0x0000000000000000000000000000000000000000',
  '6LeIxAcTAAAAAGG-vFI1TnRWxMZNFuojJ4WifJWe',
]);

const PREFIX = 24;
/** How the bytes of published secrets begin, in base64url. */
const BEGINNINGS: ReadonlySet<string> = new Set([
  // RFC 7515 A.1, RFC 7517 A.3, RFC 7520, RFC 9421 B.1.5.
  'AyM1SysPpbyDfgZld3umj1qz',
  'GawgguFyGrWKav7AX4VKUg',
  'hJtXIZ2uSN5kbQfbtTNWbpdm',
  'AAPapAv4LbFbiVawEjagUBlu',
  'GZy6sIZ6wl9NJOKB-jnmVQ',
  'XctOhJAkA-pD9Lh7ZgW_2A',
  'qC57l_uxcm7Nm3K-ct4GFjx8',
  'uzvJfB4u3N0Jy4T7NZ75MDVc',
  // Standard Webhooks and Svix: MfKQ9r8G…, plJ3nmyC…, C2FVsBQI…
  'MfKQ9r8GKYqrTwjUPD8ILPZI',
  'plJ3nmyCDGBKInavdOK15jsl',
  'C2FVsBQIhrscChlQIMV-b5sS',
  // Authenticator apps: JBSWY3DPEHPK3PXP once and twice, HXDMVJEC… (Key URI Format), KVKFKRCP… (otplib),
  // "Hello World", OQB6ZZGY… (GoogleAuthenticator for PHP), KRSXG5CT… and OBWGC2LO… (totp-rs).
  'SGVsbG8h3q2-7w',
  'SGVsbG8h3q2-70hlbGxvId6t',
  'PcbKpIJKbSiHZ7IzHiC0MWbL',
  'VVRVRE9uYUwxd3VwOUFJVkc5',
  'SGVsbG8gV29ybGQ',
  'dAPs5Ng4nyvwCg',
  'VGVzdFNlY3JldFN1cGVyU2Vj',
  'cGxhaW4tc3RyaW5nLXNlY3Jl',
]);

/** Why a secret is one that nobody drew. */
export const NOT_RANDOM =
  'it is not random; generate a secret with crypto.getRandomValues(new Uint8Array(32))';
/** What people write until they have a secret. */
const PLACEHOLDER =
  /^(?:change|replace|insert|your|example|secret|password)[\s_-]?(?:me|this|it|in|your|secret|key|here|password)/i;

/** Why everybody knows a secret; undefined where nothing is known against it. */
export function publishedSecretProblem(bytes: Uint8Array): string | undefined {
  const text = new TextDecoder().decode(bytes).trim();
  // Written in base64 it may have been handed over as it was written.
  const written = text
    .replace(/^whsec_/, '')
    .replaceAll('+', '-')
    .replaceAll('/', '_');
  const beginnings = [encodeBase64url(bytes), written.replace(/=+$/, '')];
  if (beginnings.some((each) => BEGINNINGS.has(each.slice(0, PREFIX)))) {
    return 'it is an example of a standard or of documentation, which everybody knows';
  }
  if (bytes.every((byte) => byte === 0)) return NOT_RANDOM;
  return TEXTS.has(text) ? 'it is a secret from documentation, which everybody knows' : undefined;
}

/** The same of a secret that its operator draws, which may also wait for one: `change-me-before-production`. */
export function ownSecretProblem(bytes: Uint8Array): string | undefined {
  return PLACEHOLDER.test(new TextDecoder().decode(bytes))
    ? 'it is a placeholder for a secret'
    : publishedSecretProblem(bytes);
}
