import { assertConfiguration, ConfigurationError } from '../lib/configuration-error.ts';
import { wordsOf } from '../lib/words-of.ts';
import { DIRECTIVES } from './csp-names.ts';

/** What a source may be beside hosts and schemes; quotes included, as the header has them. */
type CspKeyword =
  | "'self'"
  | "'none'"
  | "'nonce'"
  | "'strict-dynamic'"
  | "'report-sample'"
  | "'wasm-unsafe-eval'"
  | "'inline-speculation-rules'";

/**
 * One source of a Content Security Policy: a keyword in its quotes, a hash, a scheme (`data:`), or a host with its
 * scheme (`https://cdn.example.com`, `https://*.example.com`, `wss://live.example.com:8443`). `'nonce'` stands for
 * the nonce of the call. `*` is every host of the network, and not for code.
 */
export type CspSource =
  | CspKeyword
  | `'sha${256 | 384 | 512}-${string}'`
  | `${string}:`
  | `${string}://${string}`
  | '*';

/** Sources that let an attacker's markup run code; only under `insecureSources`. */
export type CspInsecureSource =
  | "'unsafe-inline'"
  | "'unsafe-eval'"
  | "'unsafe-hashes'"
  | '*'
  | `${string}:`
  | `${string}://${string}`;

/** The directives that take a list of sources (CSP Level 3). */
export type CspSourceDirective =
  | 'default-src'
  | 'base-uri'
  | 'child-src'
  | 'connect-src'
  | 'font-src'
  | 'form-action'
  | 'frame-ancestors'
  | 'frame-src'
  | 'img-src'
  | 'manifest-src'
  | 'media-src'
  | 'object-src'
  | 'script-src'
  | 'script-src-attr'
  | 'script-src-elem'
  | 'style-src'
  | 'style-src-attr'
  | 'style-src-elem'
  | 'worker-src';

/** What a document may do that is in a sandbox all the same. */
export type CspSandboxFlag =
  | 'allow-downloads'
  | 'allow-forms'
  | 'allow-modals'
  | 'allow-orientation-lock'
  | 'allow-pointer-lock'
  | 'allow-popups'
  | 'allow-popups-to-escape-sandbox'
  | 'allow-presentation'
  | 'allow-same-origin'
  | 'allow-scripts'
  | 'allow-top-navigation'
  | 'allow-top-navigation-by-user-activation'
  | 'allow-top-navigation-to-custom-protocols';

/** Every directive by the name that it has in the header. */
export type CspDirectives<Source extends string = CspSource> = {
  readonly [Name in CspSourceDirective]?: readonly Source[] | false | undefined;
} & {
  /** An empty list allows nothing. Browsers ignore it in a policy that only reports. */
  readonly sandbox?: readonly CspSandboxFlag[] | undefined;
  /** Has `http:` URLs of the page loaded over TLS. Browsers ignore it in a policy that only reports. */
  readonly 'upgrade-insecure-requests'?: true | undefined;
  /** Denies strings where code is made of them. */
  readonly 'require-trusted-types-for'?: readonly "'script'"[] | undefined;
  /** The names of policies that may make trusted values, or `'none'`. */
  readonly 'trusted-types'?: readonly string[] | undefined;
};

/** Stands where the nonce of a call goes. */
export const NONCE = "'nonce'";

/** All but four take sources. */
const SOURCES: ReadonlySet<string> = new Set(
  DIRECTIVES.filter((name) => !/^(?:sandbox|upgrade|require|trusted)/.test(name)),
);

/** What decides which code runs: broad sources there let an attacker's file in. */
const CODE = new Set(['default-src', 'script-src', 'script-src-elem', 'object-src', 'base-uri']);
/** Elements that can carry a nonce. */
const WITH_NONCE: ReadonlySet<string> = /* @__PURE__ */ wordsOf(
  'default-src script-src script-src-elem style-src style-src-elem',
);
const WITH_HASH = new Set([...WITH_NONCE, 'script-src-attr', 'style-src-attr']);
const WITH_DYNAMIC = new Set(['default-src', 'script-src', 'script-src-elem']);
/** Attributes are inline: no host can serve them. */
const ATTRIBUTES = new Set(['script-src-attr', 'style-src-attr']);
/** Left out, they allow everything; `default-src` does not cover them. */
const NAVIGATION = new Set(['base-uri', 'form-action', 'frame-ancestors']);

const KEYWORDS: Readonly<Record<string, ReadonlySet<string>>> = {
  "'self'": SOURCES,
  "'none'": SOURCES,
  [NONCE]: WITH_NONCE,
  "'strict-dynamic'": WITH_DYNAMIC,
  "'report-sample'": WITH_HASH,
  "'wasm-unsafe-eval'": WITH_DYNAMIC,
  "'inline-speculation-rules'": WITH_DYNAMIC,
  "'unsafe-inline'": WITH_HASH,
  "'unsafe-eval'": WITH_DYNAMIC,
  "'unsafe-hashes'": WITH_HASH,
};
const UNSAFE = /^'unsafe-/;
/** The length of each hash in base64. */
const HASH_LENGTH = { 256: 44, 384: 64, 512: 88 } as const;
const HASH = /^'sha(256|384|512)-([A-Za-z0-9+/_-]+={0,2})'$/;
const SCHEME = /^[a-z][a-z0-9+.-]*:$/;
const HOST =
  /^([a-z][a-z0-9+.-]*):\/\/(\*|(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::(?:[0-9]{1,5}|\*))?(?:\/[A-Za-z0-9\-._~%!$&()*+=:@/]*)?$/;
const LOOPBACK = /^http:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::|\/|$)/;
const BROAD = /^(?:\*|[a-z][a-z0-9+.-]*:(?:\/\/\*(?:\.[a-z0-9-]+)?(?::(?:[0-9]+|\*))?(?:\/.*)?)?)$/;

/** Does not construct with a source that no browser knows, that is of no use there, or that opens code. */
export function readSource(where: string, name: string, value: unknown, insecure: boolean): string {
  const say = (why: string) =>
    new ConfigurationError(`${where}: ${name}: ${JSON.stringify(value)} ${why}`);
  if (typeof value !== 'string') throw say('is not a source. Write text, like "\'self\'".');
  const places = Object.hasOwn(KEYWORDS, value) ? KEYWORDS[value] : undefined;
  if (places !== undefined) {
    if (!places.has(name)) throw say('has no effect in this directive. Take it away.');
    if (UNSAFE.test(value) && !insecure) {
      throw say('lets injected code run. Use nonces or hashes, or write it under insecureSources.');
    }
    return value;
  }
  const [, bits, digest = ''] = HASH.exec(value) ?? [];
  if (bits !== undefined) {
    const length = HASH_LENGTH[Number(bits) as keyof typeof HASH_LENGTH];
    if (digest.length !== length) throw say(`is not a hash: sha${bits} has ${length} characters.`);
    if (!WITH_HASH.has(name)) throw say('has no effect in this directive. Take it away.');
    return value;
  }
  if (value !== '*' && !SCHEME.test(value) && !HOST.test(value)) {
    const quoted = Object.hasOwn(KEYWORDS, `'${value}'`);
    throw say(
      quoted
        ? `needs its quotes: "'${value}'".`
        : 'is not a source. Write a host with its scheme, like https://cdn.example.com, without a query.',
    );
  }
  if (ATTRIBUTES.has(name)) throw say('has no effect in this directive: attributes have no URL.');
  if (insecure) return value;
  if (BROAD.test(value) && (CODE.has(name) || name === 'frame-ancestors' || value === '*')) {
    if (CODE.has(name) || NAVIGATION.has(name)) {
      throw say('is far too many. List hosts, or write it under insecureSources.');
    }
  }
  if (CODE.has(name) && value.startsWith('http://') && !LOOPBACK.test(value)) {
    throw say('can be replaced on the way. Write https://, or write it under insecureSources.');
  }
  return value;
}

/** Does not construct with a list whose members undo one another. */
export function assertSources(where: string, name: string, sources: readonly string[]): void {
  const has = (source: string) => sources.includes(source);
  const inline = has(NONCE) || sources.some((source) => HASH.test(source));
  assertConfiguration(
    sources.length > 0,
    `${where}: ${name} is empty. Write ["'none'"], or leave it out.`,
  );
  assertConfiguration(
    new Set(sources).size === sources.length,
    `${where}: ${name} lists a source twice.`,
  );
  assertConfiguration(
    !has("'none'") || sources.every((each) => each === "'none'" || each === "'report-sample'"),
    `${where}: ${name}: 'none' must be the only source; browsers ignore it beside others.`,
  );
  assertConfiguration(
    !has("'strict-dynamic'") || inline,
    `${where}: ${name}: 'strict-dynamic' trusts what trusted scripts load. Add "'nonce'" or a hash.`,
  );
  assertConfiguration(
    !has("'unsafe-hashes'") || sources.some((source) => HASH.test(source)),
    `${where}: ${name}: 'unsafe-hashes' needs the hashes of the attributes that it allows.`,
  );
  assertConfiguration(
    !ATTRIBUTES.has(name) || !inline || has("'unsafe-hashes'"),
    `${where}: ${name}: hashes cover attributes only together with 'unsafe-hashes'.`,
  );
}

const SANDBOX_FLAG =
  /^allow-(?:downloads|forms|modals|orientation-lock|pointer-lock|popups(?:-to-escape-sandbox)?|presentation|same-origin|scripts|top-navigation(?:-by-user-activation|-to-custom-protocols)?)$/;
const TRUSTED_TYPES = /^(?:'none'|'allow-duplicates'|[A-Za-z0-9\-#=_/@.%]+)$/;

/** The text of a directive whose values are not sources. */
export function readOther(where: string, name: string, value: unknown): string {
  if (name === 'upgrade-insecure-requests') {
    assertConfiguration(value === true, `${where}: ${name} must be true, or left out.`);
    return name;
  }
  assertConfiguration(Array.isArray(value), `${where}: ${name} must be a list.`);
  const known: Readonly<Record<string, RegExp>> = {
    sandbox: SANDBOX_FLAG,
    'require-trusted-types-for': /^'script'$/,
    'trusted-types': TRUSTED_TYPES,
  };
  for (const each of value as readonly unknown[]) {
    assertConfiguration(
      typeof each === 'string' && known[name]?.test(each) === true,
      `${where}: ${name}: ${JSON.stringify(each)} is not a value of this directive.`,
    );
  }
  assertConfiguration(
    name === 'sandbox' || value.length > 0,
    `${where}: ${name} is empty. Leave it out.`,
  );
  assertConfiguration(
    !value.includes("'none'") || value.length === 1,
    `${where}: ${name}: 'none' must be the only value.`,
  );
  return [name, ...(value as readonly string[])].join(' ');
}

/** True for the directives that take sources. */
export function takesSources(name: string): boolean {
  return SOURCES.has(name);
}
