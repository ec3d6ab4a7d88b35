import { isObject } from '@apisec/core/host';

/** A policy with the options that it reports. */
export interface NamedPolicy {
  /** Prefixed with the combinations around it: `anyOf(one, other): one`. */
  readonly name: string;
  /** Whether the name of the combination around it already lists it. */
  readonly isListed: boolean;
  /** Undefined for a policy without settings, and in reports of versions that had none. */
  readonly settings?: Readonly<Record<string, unknown>> | undefined;
}

/** An option whose value has changed. */
interface SettingChange {
  /** Also `opened` if it is not clear which of the two is stricter. */
  readonly kind: 'opened' | 'closed';
  /** In words. */
  readonly what: string;
}

/** Options that let in more when they grow: a longer time, a larger number, a longer list. */
const MORE_IS_OPEN: ReadonlySet<string> = new Set([
  'issuers',
  'issuer',
  'audience',
  'algorithms',
  'clockTolerance',
  'maxLifetime',
  'maxAge',
  'tolerance',
  'origins',
  'trustedOrigins',
  'methods',
  'allowedHeaders',
  'exposedHeaders',
  'hosts',
  'types',
  'charsets',
  'codings',
  'acr',
  'trustDomains',
  'maxBytes',
  'maxDepth',
  'maxKeys',
  'maxStringLength',
  'maxArrayLength',
  'maxParts',
  'maxFiles',
  'maxInFlight',
  'maxReceiving',
  'maxOffset',
  'capacity',
  'limit',
  'max',
  'sort',
  'filter',
  'others',
  'depth',
  'breadth',
  'fields',
  'aliases',
  'aliasesOfOne',
  'rootFields',
  'directives',
  'incremental',
  'operations',
  'variables',
  'credentials',
  'privateNetwork',
  'allowPublishable',
]);
/** Options that let in more when they shrink. */
const LESS_IS_OPEN: ReadonlySet<string> = new Set([
  'ranges',
  'alsoCover',
  'required',
  'includeGet',
  'coverBody',
]);
/** Options with named values, the strictest first. */
const WORDS: Readonly<Record<string, readonly unknown[]>> = {
  onStoreFailure: ['closed', 'degrade', 'open'],
  foreignOrigins: ['deny', 'answer'],
  unknown: ['deny', 'pass'],
};
const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const LONGEST = 300;

/** The options that changed. Several policies with the same name are compared in their order. */
export function compareSettings(
  before: readonly NamedPolicy[],
  after: readonly NamedPolicy[],
): readonly SettingChange[] {
  const left = [...before];
  return after.flatMap(({ name, settings: now }) => {
    const at = left.findIndex((each) => each.name === name);
    const [was] = at < 0 ? [] : left.splice(at, 1);
    const then = was?.settings;
    return then === undefined || now === undefined ? [] : changesOf(name, then, now);
  });
}

type Settings = Readonly<Record<string, unknown>>;

function changesOf(name: string, then: Settings, now: Settings): readonly SettingChange[] {
  const options = new Set([...Object.keys(then), ...Object.keys(now)]);
  return [...options].flatMap((option) => {
    const [was, is] = [own(then, option), own(now, option)];
    const order = compare(option, was, is);
    if (order === 'same') return [];
    const what = `${name} has ${option} ${told(is)}, was ${told(was)}`;
    return [{ kind: order === 'stricter' ? ('closed' as const) : ('opened' as const), what }];
  });
}

function own(settings: Settings, option: string): unknown {
  return Object.hasOwn(settings, option) ? settings[option] : undefined;
}

type Order = 'same' | 'stricter' | 'weaker';

/** In doubt it is weaker. */
function compare(option: string, was: unknown, is: unknown): Order {
  if (canonical(was) === canonical(is)) return 'same';
  if (was === undefined || is === undefined) return 'weaker';
  if (isObject(was) && isObject(is)) return rateOrder(was, is) ?? compareMembers(was, is);
  const words = Object.hasOwn(WORDS, option) ? (WORDS[option] ?? []) : [];
  if (words.includes(was) && words.includes(is)) {
    return words.indexOf(is) < words.indexOf(was) ? 'stricter' : 'weaker';
  }
  const isMoreOpen = MORE_IS_OPEN.has(option);
  if (!isMoreOpen && !LESS_IS_OPEN.has(option)) return 'weaker';
  const [more, fewer] = isMoreOpen ? [is, was] : [was, is];
  return isWithin(more, fewer) ? 'stricter' : 'weaker';
}

/** Compares limits by what they admit at once, and over time. */
function rateOrder(was: Settings, is: Settings): Order | undefined {
  const [then, now] = [rateOf(was), rateOf(is)];
  if (then === undefined || now === undefined || was['algorithm'] !== is['algorithm']) {
    return undefined;
  }
  return now.atOnce <= then.atOnce && now.perMs <= then.perMs ? 'stricter' : 'weaker';
}

function rateOf(limit: Settings): { readonly atOnce: number; readonly perMs: number } | undefined {
  const { capacity, refill, period, window } = limit;
  if (typeof capacity !== 'number') return undefined;
  if (typeof window === 'number') return { atOnce: capacity, perMs: capacity / window };
  if (typeof refill !== 'number' || typeof period !== 'number') return undefined;
  return { atOnce: capacity, perMs: refill / period };
}

function compareMembers(was: Settings, is: Settings): Order {
  const names = new Set([...Object.keys(was), ...Object.keys(is)]);
  const orders = [...names].map((name) => compare(name, own(was, name), own(is, name)));
  if (orders.includes('weaker')) return 'weaker';
  return orders.includes('stricter') ? 'stricter' : 'same';
}

/** Whether `all` lets in everything that `some` lets in. */
function isWithin(some: unknown, all: unknown): boolean {
  const [less, more] = [sizeOf(some), sizeOf(all)];
  // `false` lifts a bound, so it is not the smaller one.
  if (typeof some !== typeof all && (some === false || all === false)) return false;
  if (less !== undefined && more !== undefined) return less <= more;
  if (all === '*') return true;
  const list = new Set([all].flat().map(canonical));
  return some !== '*' && [some].flat().every((each) => list.has(canonical(each)));
}

/** The size of a number, a boolean or a duration. */
function sizeOf(value: unknown): number | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return Number(value);
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(String(value)) ?? [];
  return digits === undefined ? undefined : Number(digits) * (UNITS[unit] ?? Number.NaN);
}

/** Does not depend on the order of members. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_name, each: unknown) =>
      isObject(each) && !Array.isArray(each)
        ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : each,
    ) ?? ''
  );
}

function told(value: unknown): string {
  if (value === undefined) return 'not set';
  const text = canonical(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)} …` : text;
}
