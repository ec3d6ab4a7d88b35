import { assertConfiguration } from '../lib/configuration-error.ts';
import { wordsOf } from '../lib/words-of.ts';
import { hasHostName, normalizeOrigin } from './origin.ts';

/**
 * What a page and its frames may use, by feature: a list of `self` and origins, the empty list for nobody, `*` for
 * everybody.
 */
export type AllowedFeatures = Readonly<Record<string, readonly string[] | '*'>>;

const NAME = 'permissionsPolicy';
const FEATURE = /^[a-z](?:[a-z-]*[a-z])?$/;
const POWERFUL: ReadonlySet<string> = /* @__PURE__ */ wordsOf(
  'accelerometer autoplay bluetooth browsing-topics camera display-capture fullscreen geolocation ' +
    'gyroscope hid identity-credentials-get idle-detection local-fonts magnetometer microphone midi ' +
    'payment publickey-credentials-create publickey-credentials-get screen-wake-lock serial usb ' +
    'window-management xr-spatial-tracking',
);

/**
 * A value of `Permissions-Policy` for `securityHeaders`: every powerful feature off, but for those that are named.
 *
 * @throws ConfigurationError for what cannot be a feature, or is not an origin.
 * @example
 * securityHeaders({
 *   ...pageHeaders,
 *   permissionsPolicy: permissionsPolicy({ geolocation: ['self', 'https://maps.example.com'] }),
 * })
 */
export function permissionsPolicy(allowed: AllowedFeatures = {}): string {
  assertConfiguration(
    typeof allowed === 'object' && allowed !== null,
    `${NAME}: name features with who may use them, like { geolocation: ['self'] }.`,
  );
  const features = new Map([...POWERFUL].map((feature) => [feature, '()']));
  for (const [feature, who] of Object.entries(allowed)) {
    assertConfiguration(
      FEATURE.test(feature),
      `${NAME}: ${JSON.stringify(feature)} is not a feature. Names are like 'screen-wake-lock'.`,
    );
    features.set(feature, allowList(feature, who));
  }
  return [...features].map((pair) => pair.join('=')).join(', ');
}

function allowList(feature: string, who: unknown): string {
  if (who === '*') return '*';
  assertConfiguration(
    Array.isArray(who),
    `${NAME}: ${feature} must be a list like ['self', 'https://maps.example.com'], or '*'.`,
  );
  const items = who.map((each: unknown) => {
    if (each === 'self' || each === 'src') return each;
    const origin = normalizeOrigin(each);
    assertConfiguration(
      origin !== undefined && hasHostName(origin),
      `${NAME}: ${feature}: ${JSON.stringify(each)} is not an origin. Write 'self' or scheme://host[:port].`,
    );
    return `"${origin}"`;
  });
  return `(${items.join(' ')})`;
}
