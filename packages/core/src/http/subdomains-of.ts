import { assertConfiguration } from '../lib/configuration-error.ts';
import { wordsOf } from '../lib/words-of.ts';
import { isLabels, normalizeOrigin } from './origin.ts';
import type { OriginPattern } from './origin-rules.ts';

export type { OriginPattern };

const NAME = 'subdomainsOf';
const HTTP = /^https?:\/\//;
const NUMERIC_END = /(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$/;
/** Second levels below a country that registries sell names under. */
const COUNTRY_SUFFIX =
  /^(?:ac|co|com|edu|go|gob|gov|ltd|me|ne|net|nom|or|org|plc|sch|web)\.[a-z]{2}$/;
/**
 * Hosts below which anybody can have a name in a minute. Not the whole Public Suffix List, which changes each week:
 * what developers list by mistake.
 */
const SHARED: ReadonlySet<string> = /* @__PURE__ */ wordsOf(
  'github.io githubusercontent.com gitlab.io pages.dev workers.dev r2.dev vercel.app now.sh ' +
    'netlify.app netlify.com herokuapp.com onrender.com fly.dev railway.app up.railway.app ' +
    'render.com deno.dev surge.sh glitch.me repl.co replit.app replit.dev web.app firebaseapp.com ' +
    'run.app appspot.com a.run.app cloudfunctions.net azurewebsites.net azurestaticapps.net ' +
    'azureedge.net cloudapp.net cloudapp.azure.com windows.net blob.core.windows.net ' +
    'web.core.windows.net amazonaws.com s3.amazonaws.com elasticbeanstalk.com cloudfront.net ' +
    'amplifyapp.com on.aws awsapprunner.com lovable.app bolt.host ngrok.io ngrok.app ' +
    'ngrok-free.app ngrok-free.dev ngrok.dev trycloudflare.com loca.lt codesandbox.io csb.app stackblitz.io ' +
    'webcontainer.io github.dev gitpod.io myshopify.com wordpress.com blogspot.com wixsite.com ' +
    'webflow.io squarespace.com framer.app framer.website bubbleapps.io salesforce.com force.com ' +
    'atlassian.net sharepoint.com zendesk.com translate.goog ondigitalocean.app ts.net nip.io ' +
    'sslip.io duckdns.org dyndns.org no-ip.org hf.space streamlit.app supabase.co',
);
/** Of these also the hosts in between are shared, which are named after regions and services. */
const SHARED_BELOW =
  /\.(?:amazonaws\.com(?:\.cn)?|azurecontainerapps\.io|azurestaticapps\.net|cloudapp\.azure\.com|core\.windows\.net|run\.app)$/;

/**
 * Every origin whose host lies below this one, at any depth, with the same scheme and port; not the origin itself. For
 * the lists of `cors` and `crossOrigin`.
 *
 * What stands in front must be labels of a host name, so that no user, port, path or second host fits in.
 *
 * @throws ConfigurationError for anything that is not an origin of http or https with a host name, and for one below
 * which strangers have names (`https://co.uk`, `https://vercel.app`).
 * @example
 * cors({ origins: ['https://example.com', subdomainsOf('https://example.com')] })
 */
export function subdomainsOf(parent: string): OriginPattern {
  const origin = normalizeOrigin(parent) ?? '';
  const [scheme = ''] = HTTP.exec(origin) ?? [];
  const suffix = `.${origin.slice(scheme.length)}`;
  const host = suffix.slice(1).replace(/:[0-9]+$/, '');
  assertConfiguration(
    scheme !== '' && isLabels(host) && !NUMERIC_END.test(host),
    `${NAME}: ${JSON.stringify(parent)} has no subdomains. Write scheme://host[:port], like 'https://example.com'.`,
  );
  assertConfiguration(
    host === 'localhost' ||
      (host.includes('.') &&
        !SHARED.has(host) &&
        !SHARED_BELOW.test(host) &&
        !COUNTRY_SUFFIX.test(host)),
    `${NAME}: anybody can have a name below ${host}. List the origins that are yours.`,
  );
  return Object.freeze({
    pattern: `${scheme}*${suffix}`,
    covers: (other: string) =>
      other.length > scheme.length + suffix.length &&
      other.startsWith(scheme) &&
      other.endsWith(suffix) &&
      isLabels(other.slice(scheme.length, other.length - suffix.length)),
  });
}
