import type { Denial, DenialKind } from '../engine/denial.ts';
import type { CallFacts, RawBodyFacts } from '../engine/facts.ts';
import type { BodyWatcher } from '../engine/obligations.ts';
import {
  type Deny,
  denyWith,
  type NoFacts,
  pass,
  sharedDenial,
  withCause,
} from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import { mayHaveBody } from '../engine/request.ts';
import { settingsOf } from '../engine/settings.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { isUtf8, type MediaType, parseMediaType } from '../lib/media-type.ts';
import { assertBetween, assertKnownOptions } from '../lib/options.ts';
import { type JsonBounds, jsonScan, type ScanProblem } from '../lib/scan-json.ts';
import { scanValue } from '../lib/scan-value.ts';
import { shownText } from '../lib/shown-text.ts';
import { utf8Check } from '../lib/utf8-check.ts';
import { type MultipartProblem, multipartScan } from './multipart-scan.ts';

/** Options of {@link limitBody}. Each bound is the largest that passes. */
export interface LimitBodyOptions {
  /** Bytes of the body. Default: 1 MiB. */
  readonly maxBytes?: number | undefined;
  /** Brackets within brackets of JSON, and of names of form fields (`a[b][c]`). Default: 32. */
  readonly maxDepth?: number | undefined;
  /** Members of all objects together, or fields of a form. Default: 10,000. */
  readonly maxKeys?: number | undefined;
  /** UTF-16 code units of one string, name or number. Default: 100,000. */
  readonly maxStringLength?: number | undefined;
  /** Values in one list. Default: 10,000. */
  readonly maxArrayLength?: number | undefined;
  /** Parts of a multipart body. Default: 100. */
  readonly maxParts?: number | undefined;
  /** Parts with a file name. Default: 10. */
  readonly maxFiles?: number | undefined;
  /**
   * Content codings that a body may have (`gzip`, `br`). Bounds then hold for what the parser has made of it, and its
   * own limit for what it unpacks meanwhile. Multipart bodies have none. Default: none.
   */
  readonly codings?: readonly string[] | undefined;
}

type Problem = ScanProblem | MultipartProblem | 'coding_not_allowed' | 'charset_not_allowed';

const NAME = 'limitBody';
const DEFAULTS = {
  maxBytes: 1_048_576,
  maxDepth: 32,
  maxKeys: 10_000,
  maxStringLength: 100_000,
  maxArrayLength: 10_000,
  maxParts: 100,
  maxFiles: 10,
} as const;

type Bounds = { readonly [Name in keyof typeof DEFAULTS]: number };

/**
 * Denies bodies that are larger, deeper or longer than the server should work on: counted as they stream in, and JSON
 * looked at before anybody builds objects of it. A member that is there twice, text that is not UTF-8, a media type
 * that is not well-formed and parts that two readers could cut differently are denied as well. HTTP hosts show the
 * bytes (or supply `rawBody`); elsewhere, and of bodies with a content coding, the parsed value counts.
 *
 * JSON is looked at where the media type says so, and where it is missing or `text/plain` and the body begins like
 * JSON: handlers that call `request.json()` do not ask. Deny other types with `allowedContentTypes`.
 *
 * Denials: `body.too_large`, `body.too_deep`, `body.too_many_keys`, `body.string_too_long`, `body.array_too_long`,
 * `body.too_many_parts`, `body.too_many_files`, `body.part_too_large` (413); `body.malformed`, `body.duplicate_key`
 * (400); `body.coding_not_allowed` (415, with `Accept-Encoding`), `body.charset_not_allowed` (415).
 *
 * @throws ConfigurationError for a bound that is not a whole number, and for a coding that is not a name.
 * @example
 * limitBody({ maxBytes: 100_000, maxDepth: 8 })
 */
export function limitBody(
  options: LimitBodyOptions = {},
): SyncPolicy<CallFacts & Partial<RawBodyFacts>, NoFacts, 'check'> {
  assertKnownOptions(NAME, options, [...Object.keys(DEFAULTS), 'codings']);
  const bounds = readBounds(options);
  const codings = readCodings(options.codings ?? []);
  const encodingDenied = sharedDenial(denialOf('coding_not_allowed'), {
    obligations: {
      headers: [{ op: 'set', name: 'accept-encoding', value: [...codings, 'identity'].join(', ') }],
    },
  });
  const tooLarge = { maxBytes: bounds.maxBytes };
  const onMessage = (message: unknown) => {
    const problem = scanValue(message, bounds, bounds.maxBytes);
    return problem === undefined
      ? ({ ok: true } as const)
      : ({ ok: false, denial: denialOf(problem, causeOf(problem, bounds)) } as const);
  };
  return definePolicy({
    name: NAME,
    role: 'check',
    settings: settingsOf(options, [...Object.keys(DEFAULTS), 'codings']),
    // `rawBody` is used where the host supplies it, and needed nowhere.
    needs: ['bodies'],
    adds: [],
    check: (request, { call, rawBody }) => {
      if (call.protocol !== 'http') return pass({}, { onMessage });
      if (!mayHaveBody(request)) return pass();
      const { headers } = request;
      const length = Number(headers.get('content-length') ?? 0);
      if (length > bounds.maxBytes) return denied('too_large', { ...tooLarge, given: length });
      const coding = (headers.get('content-encoding') ?? '').toLowerCase();
      const named = headers.get('content-type') ?? '';
      if (coding !== '' && coding !== 'identity') {
        // Parsers of these ignore codings and read the bytes as they are, and the value shows neither parts nor files.
        if (/^\s*multipart\//i.test(named) && codings.has(coding)) {
          return denied('coding_not_allowed', { contentType: shownText(named) });
        }
        return codings.has(coding)
          ? pass({}, { onMessage })
          : withCause(encodingDenied, { allowed: [...codings], given: shownText(coding) });
      }
      const type = parseMediaType(named);
      // Some parser finds a format in it, and another one than the next.
      if (type === undefined && named !== '')
        return denied('malformed', { contentType: shownText(named) });
      if (type !== undefined && isText(type) && !isUtf8(type)) {
        return denied('charset_not_allowed', { contentType: shownText(named) });
      }
      const body = watcher(type, bounds);
      if (rawBody === undefined) return pass({}, { body });
      const denial = body.push(rawBody) ?? body.end();
      return denial === undefined ? pass() : denyWith(denial);
    },
  });
}

/** Looks at one body. What has no format that is known here is only counted. */
function watcher(type: MediaType | undefined, bounds: Bounds): BodyWatcher {
  const format = formatOf(type, bounds);
  let size = 0;
  let denial: Denial | undefined;
  const ended = (problem: Problem | undefined): Denial | undefined =>
    (denial ??=
      problem === undefined ? undefined : denialOf(problem, causeOf(problem, bounds, type)));
  return {
    push: (chunk) => {
      if (denial !== undefined) return denial;
      size += chunk.byteLength;
      return ended(size > bounds.maxBytes ? 'too_large' : format.push(chunk));
    },
    end: () => denial ?? ended(format.end()),
    value: (value) => denial ?? ended(scanValue(value, bounds, bounds.maxBytes)),
  };
}

interface Format {
  readonly push: (chunk: Uint8Array) => Problem | undefined;
  readonly end: () => Problem | undefined;
}

const encoder = new TextEncoder();

const COUNTED: Format = { push: () => undefined, end: () => undefined };

const FORM = 'application/x-www-form-urlencoded';

/** Whether the format is text that is looked at. */
function isText(type: MediaType): boolean {
  return isJson(type) || type.essence === FORM;
}

/** Applications make parsers take more than `application/json`. */
function isJson({ subtype }: MediaType): boolean {
  return subtype === 'json' || subtype.endsWith('+json');
}

function formatOf(type: MediaType | undefined, bounds: Bounds): Format {
  if (type === undefined || type.essence === 'text/plain') return undeclaredJson(bounds);
  if (isJson(type)) return declaredJson(bounds);
  if (type.essence === FORM) return text((form) => scanForm(form, bounds));
  if (type.type !== 'multipart') return COUNTED;
  const scan = multipartScan(type.parameters.get('boundary'), bounds);
  return scan ?? { push: () => 'malformed', end: () => 'malformed' };
}

/**
 * What a byte order mark begins with is not JSON, so it is denied: some readers skip it, and it is an error to others.
 */
function declaredJson(bounds: JsonBounds): Format {
  const utf8 = utf8Check();
  const json = jsonScan(bounds);
  return {
    push: (chunk) => (utf8.push(chunk) ? json.push(chunk) : 'malformed'),
    end: () => (utf8.end() ? json.end() : 'malformed'),
  };
}

/** Text is looked at as a whole: no more of it is kept than a body may have. */
function text(scan: (text: string) => Problem | undefined): Format {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let all = '';
  const add = (chunk?: Uint8Array): Problem | undefined => {
    try {
      all += chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
      return undefined;
    } catch {
      return 'malformed';
    }
  };
  return { push: add, end: () => add() ?? scan(all) };
}

/** What is not an object or a list of JSON passes, and nothing of that is kept. */
function undeclaredJson(bounds: JsonBounds): Format {
  // As `request.json()` reads it: without a byte order mark, and with replacement characters.
  const decoder = new TextDecoder();
  let all = '';
  let isOther = false;
  const add = (part: string): void => {
    if (all !== '') all += part;
    else {
      const start = part.trimStart();
      isOther = /^[^{[]/.test(start);
      if (!isOther) all = start;
    }
  };
  return {
    push: (chunk) => {
      if (!isOther) add(decoder.decode(chunk, { stream: true }));
      return undefined;
    },
    end: () => {
      if (!isOther) add(decoder.decode());
      if (isOther || all === '') return undefined;
      const json = jsonScan(bounds);
      const problem = json.push(encoder.encode(all)) ?? json.end();
      return problem !== undefined && isWellFormedJson(all) ? problem : undefined;
    },
  };
}

function isWellFormedJson(json: string): boolean {
  try {
    JSON.parse(json);
    return true;
  } catch {
    return false;
  }
}

function scanForm(
  form: string,
  { maxKeys, maxDepth, maxStringLength }: Bounds,
): Problem | undefined {
  let keys = 0;
  for (let start = 0; start <= form.length; ) {
    const next = form.indexOf('&', start);
    const end = next < 0 ? form.length : next;
    if (++keys > maxKeys) return 'too_many_keys';
    const field = form.slice(start, end);
    const equals = field.indexOf('=');
    const name = equals < 0 ? field : field.slice(0, equals);
    if (Math.max(name.length, field.length - name.length - 1) > maxStringLength) {
      return 'string_too_long';
    }
    if ((name.match(/\[|%5b/gi)?.length ?? 0) > maxDepth) return 'too_deep';
    start = end + 1;
  }
  return undefined;
}

const kinds: Readonly<Partial<Record<Problem, DenialKind>>> = {
  malformed: 'malformed',
  duplicate_key: 'malformed',
  coding_not_allowed: 'unsupported',
  charset_not_allowed: 'unsupported',
};
const details: Readonly<Record<Problem, string>> = {
  malformed: 'The body is not well-formed.',
  duplicate_key: 'An object in the body has the same member twice.',
  coding_not_allowed: 'Send the body without a content coding, or with one that is taken here.',
  charset_not_allowed: 'Send the body in UTF-8.',
  too_large: 'The body is larger than allowed.',
  too_deep: 'The body is nested deeper than allowed.',
  too_many_keys: 'The body has more members or fields than allowed.',
  string_too_long: 'A string in the body is longer than allowed.',
  array_too_long: 'A list in the body is longer than allowed.',
  too_many_parts: 'The body has more parts than allowed.',
  too_many_files: 'The body has more files than allowed.',
  part_too_large: 'The headers of a part are longer than allowed.',
};

/** The option that sets each bound. */
const limits: Readonly<Partial<Record<Problem, keyof Bounds>>> = {
  too_large: 'maxBytes',
  too_deep: 'maxDepth',
  too_many_keys: 'maxKeys',
  string_too_long: 'maxStringLength',
  array_too_long: 'maxArrayLength',
  too_many_parts: 'maxParts',
  too_many_files: 'maxFiles',
};

/** Which bound it was, or as what the body was read. Nothing of the body: it may hold anything. */
function causeOf(problem: Problem, bounds: Bounds, type?: MediaType): object {
  const limit = limits[problem];
  if (limit !== undefined) return { [limit]: bounds[limit] };
  return { readAs: type === undefined ? 'a value' : shownText(type.essence) };
}

function denialOf(problem: Problem, cause?: object): Denial {
  return {
    kind: kinds[problem] ?? 'too_large',
    code: `body.${problem}`,
    detail: details[problem],
    cause,
  };
}

function denied(problem: Problem, cause: object): Deny {
  return denyWith(denialOf(problem, cause));
}

function readBounds(options: LimitBodyOptions): Bounds {
  const bounds: Record<string, number> = {};
  for (const [name, byDefault] of Object.entries(DEFAULTS)) {
    // Each name is that of an option.
    const value = options[name as keyof Bounds] ?? byDefault;
    assertConfiguration(
      Number.isSafeInteger(value),
      `${NAME}: ${name} must be a whole number; leave it out for ${byDefault}.`,
    );
    const least = name === 'maxFiles' || name === 'maxParts' ? 0 : 1;
    assertBetween(NAME, name, value, least, name === 'maxDepth' ? 512 : 2 ** 40, '');
    bounds[name] = value;
  }
  return bounds as Bounds;
}

function readCodings(codings: readonly unknown[]): ReadonlySet<string> {
  assertConfiguration(
    Array.isArray(codings) &&
      codings.every((name) => typeof name === 'string' && /^[a-z\d-]+$/.test(name)),
    `${NAME}: codings must be a list of names in lower case, like ['gzip', 'br'].`,
  );
  return new Set(codings as readonly string[]);
}
