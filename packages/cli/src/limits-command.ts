import { type LimitAccount, type LimitBalance, readLimits } from '@apisec/core';
import { isObject } from '@apisec/core/host';
import { callerOf, readLog } from './audit-log.ts';
import { type Command, EXIT, type Invocation, UsageError } from './command.ts';
import { finished, loadModule } from './load-module.ts';

/** What a module exports in its list `limits`, as `consoleRoutes` takes it. */
type Watched = Pick<LimitAccount, 'store' | 'name' | 'limits'>;

/** A limit with less than this share left is reported as near. */
const NEAR = 0.1;
/** The busiest callers of a log whose limits are looked at. */
const BUSIEST = 20;
/** Callers of a log that are counted; later ones are ignored. */
const MOST_CALLERS = 10_000;

/** `apisec limits`: what is left to one caller of its limits, or which limits are near to the callers of a log. */
export const limitsCommand: Command = {
  name: 'limits',
  summary: 'shows what is left of the limits of a caller, without spending any of it',
  usage: [
    'limits <module> --caller user-42 [--tenant acme] [--limit api]',
    '                                the module exports limits = [{ store, name, limits }]',
    'limits <module> --log audit.log [--limit api]   of the busiest callers, the nearest first',
  ],
  options: {
    caller: { type: 'string' },
    tenant: { type: 'string' },
    limit: { type: 'string' },
    log: { type: 'string' },
  },
  run: async ({ positionals, text, terminal }) => {
    const [key, log] = [text('caller'), text('log')];
    if ((key === undefined) === (log === undefined)) {
      throw new UsageError(
        'name the caller as the limit counts it, --caller user-42, or a log of callers, --log audit.log',
      );
    }
    const watched = await watchedIn(positionals[0], text('limit'));
    const callers =
      key === undefined ? await callersIn(log ?? '') : [{ key, tenant: text('tenant') }];
    const all: Balance[] = [];
    for (const caller of callers) all.push(...(await balancesOf(watched, caller)));
    // Only limits that somebody has used say anything about a log.
    const used = all.filter(({ remaining, capacity }) => remaining < capacity);
    const found = key === undefined ? used.toSorted((a, b) => partLeft(a) - partLeft(b)) : all;
    terminal.json(found);
    for (const balance of found) show(balance, terminal);
    if (found.length === 0) {
      const told = `None of the ${callers.length} busiest callers has used a limit that is not whole again.`;
      terminal.line(told, 'good');
    }
    return found.some(({ near }) => near) ? EXIT.found : EXIT.ok;
  },
};

interface Caller {
  readonly key: string;
  readonly tenant: string | undefined;
}

/** Who calls most, with and without the tenant, since nobody knows which of the two a limit counts by. */
async function callersIn(log: string): Promise<readonly Caller[]> {
  const counts = new Map<string, number>();
  for await (const event of readLog(log)) {
    if (event.kind !== 'decision' || callerOf(event) === '') continue;
    for (const tenant of event.tenant === undefined ? [''] : ['', event.tenant]) {
      const caller = JSON.stringify([callerOf(event), tenant]);
      if (counts.has(caller) || counts.size < MOST_CALLERS) {
        counts.set(caller, (counts.get(caller) ?? 0) + 1);
      }
    }
  }
  const busiest = [...counts].toSorted((a, b) => b[1] - a[1]).slice(0, BUSIEST);
  return busiest.map(([caller]) => {
    // Written above.
    const [key, tenant] = JSON.parse(caller) as [string, string];
    return { key, tenant: tenant === '' ? undefined : tenant };
  });
}

async function balancesOf(list: readonly Watched[], caller: Caller): Promise<readonly Balance[]> {
  const found: Balance[] = [];
  for (const watched of list) {
    const balances = await finished(readLimits({ ...watched, ...caller }), watched.name);
    found.push(...balances.map((balance) => toldOf(watched.name, caller, balance)));
  }
  return found;
}

const partLeft = ({ remaining, capacity }: Balance): number => remaining / capacity;

interface Balance {
  readonly name: string;
  readonly caller: string;
  readonly tenant?: string | undefined;
  readonly algorithm: string;
  readonly capacity: number;
  readonly remaining: number;
  readonly resetAfterMs: number;
  readonly near: boolean;
}

function toldOf(
  name: string,
  { key, tenant }: Caller,
  { limit, remaining, resetAfterMs }: LimitBalance,
): Balance {
  const { algorithm, capacity } = limit;
  const near = remaining < NEAR * capacity;
  return { name, caller: key, tenant, algorithm, capacity, remaining, resetAfterMs, near };
}

function show(balance: Balance, terminal: Invocation['terminal']): void {
  const { name, caller, tenant, algorithm, capacity, remaining, resetAfterMs, near } = balance;
  const who = tenant === undefined ? caller : `${caller} of ${tenant}`;
  const left = `${Math.floor(remaining)} of ${capacity} left`;
  const whole = `whole again in ${Math.ceil(resetAfterMs / 1_000)} s`;
  terminal.line(`${name}  ${who}  ${algorithm}  ${left}, ${whole}`, near ? 'bad' : 'good');
}

async function watchedIn(
  file: string | undefined,
  name: string | undefined,
): Promise<readonly Watched[]> {
  const list: unknown = (await loadModule(file)).pick('limits');
  if (!Array.isArray(list) || list.length === 0 || !list.every(isWatched)) {
    throw new UsageError('the module must export limits: [{ store, name, limits: [limit] }].');
  }
  const wanted = list.filter((each) => name === undefined || each.name === name);
  if (wanted.length > 0) return wanted;
  throw new UsageError(`the limits are ${list.map((each) => each.name).join(', ')}.`);
}

/** `readLimits` reports what the store and the limits lack. */
function isWatched(value: unknown): value is Watched {
  return (
    isObject(value) &&
    typeof value['name'] === 'string' &&
    isObject(value['store']) &&
    Array.isArray(value['limits'])
  );
}
