import { assertConfiguration } from '../lib/configuration-error.ts';
import { isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import { wordsOf } from '../lib/words-of.ts';
import { hasHostName, isLabels, normalizeOrigin } from './origin.ts';

/** Which origins an option lists: exact ones, and every host below a suffix. */
export interface OriginRules {
  readonly exact: readonly string[];
  readonly patterns: readonly OriginPattern[];
}

/** `https://*.example.com:8443`: what stands in front of the star, and behind it. */
export interface OriginPattern {
  readonly prefix: string;
  /** With its dot in front, and the port. */
  readonly suffix: string;
}

const STAR = /^(https?:\/\/)\*\.([^*]+)$/;
/** Stands in for the star while the rest is brought into its one form. */
const PLACEHOLDER = 'apisec-label';
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
    'ngrok-free.app ngrok.dev trycloudflare.com loca.lt codesandbox.io csb.app stackblitz.io ' +
    'webcontainer.io github.dev gitpod.io myshopify.com wordpress.com blogspot.com wixsite.com ' +
    'webflow.io squarespace.com framer.app framer.website bubbleapps.io salesforce.com force.com ' +
    'atlassian.net sharepoint.com zendesk.com translate.goog ondigitalocean.app ts.net nip.io ' +
    'sslip.io duckdns.org dyndns.org no-ip.org hf.space streamlit.app supabase.co',
);

/**
 * Reads a list of origins. Each is `scheme://host[:port]`, compared exactly, or `https://*.example.com[:port]`: every
 * host below, at any depth, with this scheme and port, and not `example.com` itself.
 *
 * @throws ConfigurationError for anything else, and for a suffix below which strangers have names.
 */
export function readOriginRules(
  where: string,
  option: string,
  origins: readonly unknown[],
): OriginRules {
  const exact: string[] = [];
  const patterns: OriginPattern[] = [];
  for (const each of origins) {
    const star = typeof each === 'string' ? STAR.exec(each) : null;
    if (star === null) exact.push(readOrigin(where, option, each));
    else patterns.push(readPattern(`${where}: ${option}: "${star[0]}"`, star));
  }
  return { exact, patterns };
}

/** Reads one origin. */
export function readOrigin(where: string, option: string, value: unknown): string {
  const origin = normalizeOrigin(value);
  assertConfiguration(
    origin !== undefined,
    `${where}: ${option}: ${JSON.stringify(value)} is not an origin. Write scheme://host[:port] without a path.`,
  );
  return origin;
}

function readPattern(what: string, [, scheme = '', rest = '']: readonly string[]): OriginPattern {
  const origin = normalizeOrigin(`${scheme}${PLACEHOLDER}.${rest}`);
  const prefix = scheme.toLowerCase();
  const suffix = origin?.slice(prefix.length + PLACEHOLDER.length) ?? '';
  const host = suffix.slice(1).replace(/:[0-9]+$/, '');
  assertConfiguration(
    origin?.startsWith(prefix + PLACEHOLDER) === true && isLabels(host) && !NUMERIC_END.test(host),
    `${what} is not a pattern. Write https://*.example.com[:port].`,
  );
  assertConfiguration(
    host === 'localhost' || (host.includes('.') && !SHARED.has(host) && !COUNTRY_SUFFIX.test(host)),
    `${what} covers hosts of strangers: anybody can have a name below ${host}. List the origins that are yours.`,
  );
  return { prefix, suffix };
}

/**
 * True where a pattern covers an origin as browsers send it. What stands for the star must be labels of a host name, so
 * no user, port, path or second host fits in.
 */
export function coversOrigin({ prefix, suffix }: OriginPattern, origin: string): boolean {
  return (
    origin.length > prefix.length + suffix.length &&
    origin.startsWith(prefix) &&
    origin.endsWith(suffix) &&
    isLabels(origin.slice(prefix.length, origin.length - suffix.length))
  );
}

/** True for an origin in its one form, with a host that can be one: only such are shown to rules of applications. */
export function isWellFormed(origin: string): boolean {
  return normalizeOrigin(origin) === origin && hasHostName(origin);
}

/** Says whether an origin is allowed. Only `true` allows. */
export type OriginPredicate<Needs extends object> = (
  origin: string,
  facts: Readonly<Needs>,
) => MaybePromise<boolean>;

/** An `originPredicate` that was looked at once. */
export interface OriginRule<Needs extends object> {
  readonly allows: (origin: string, facts: Readonly<Needs>) => MaybePromise<boolean>;
  /** True once the rule has allowed an origin that nobody can own. */
  readonly isOpen: () => boolean;
}

/** A rule that allows an origin nobody owns allows all of them, and so is `origins: '*'` in disguise. */
export function readPredicate<Needs extends object>(
  where: string,
  predicate: OriginPredicate<Needs> | undefined,
): OriginRule<Needs> | undefined {
  if (predicate === undefined) return undefined;
  assertConfiguration(
    typeof predicate === 'function',
    `${where}: originPredicate must be a function.`,
  );
  let open = false;
  let answer: unknown;
  try {
    // It may read facts that are not here, and throw; a call that makes it throw is denied.
    answer = predicate('https://apisec-probe.invalid', {} as Readonly<Needs>);
  } catch {
    // It does not allow everyone.
  }
  if (isThenable(answer)) {
    answer.then(
      (late) => (open = late === true),
      () => undefined,
    );
  }
  assertConfiguration(
    answer !== true,
    `${where}: originPredicate allows every origin. Let it compare whole origins.`,
  );
  return { allows: predicate, isOpen: () => open };
}
