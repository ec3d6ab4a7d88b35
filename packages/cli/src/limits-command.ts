import { type LimitAccount, type LimitBalance, readLimits } from '@apisec/core';
import { isObject } from '@apisec/core/host';
import { type Command, EXIT, type Invocation, UsageError } from './command.ts';
import { finished, loadModule } from './load-module.ts';

/** What a module exports in its list `limits`, as `consoleRoutes` takes it. */
type Watched = Pick<LimitAccount, 'store' | 'name' | 'limits'>;

/** Of a limit with less than this part left it is told that it is near. */
const NEAR = 0.1;

/** `apisec limits`: what is left to one caller of its limits. */
export const limitsCommand: Command = {
  name: 'limits',
  summary: 'tells what is left to a caller of its limits, and takes nothing of it',
  usage: [
    'limits <module> --caller user-42 [--tenant acme] [--limit api]',
    '                                the module exports limits = [{ store, name, limits }]',
  ],
  options: { caller: { type: 'string' }, tenant: { type: 'string' }, limit: { type: 'string' } },
  run: async ({ positionals, text, terminal }) => {
    const key = text('caller');
    if (key === undefined) {
      throw new UsageError('name the caller as the limit counts it: --caller user-42');
    }
    const found: Balance[] = [];
    for (const watched of await watchedIn(positionals[0], text('limit'))) {
      const account = { ...watched, key, tenant: text('tenant') };
      const balances = await finished(readLimits(account), watched.name);
      found.push(...balances.map((balance) => toldOf(watched.name, balance)));
    }
    terminal.json(found);
    for (const balance of found) show(balance, terminal);
    return found.some(({ near }) => near) ? EXIT.found : EXIT.ok;
  },
};

interface Balance {
  readonly name: string;
  readonly algorithm: string;
  readonly capacity: number;
  readonly remaining: number;
  readonly resetAfterMs: number;
  readonly near: boolean;
}

function toldOf(name: string, { limit, remaining, resetAfterMs }: LimitBalance): Balance {
  const { algorithm, capacity } = limit;
  const near = remaining < NEAR * capacity;
  return { name, algorithm, capacity, remaining, resetAfterMs, near };
}

function show(balance: Balance, terminal: Invocation['terminal']): void {
  const { name, algorithm, capacity, remaining, resetAfterMs, near } = balance;
  const left = `${Math.floor(remaining)} of ${capacity} left`;
  const whole = `whole again in ${Math.ceil(resetAfterMs / 1_000)} s`;
  terminal.line(`${name}  ${algorithm}  ${left}, ${whole}`, near ? 'bad' : 'good');
}

async function watchedIn(file: string | undefined, name: string | undefined) {
  const list: unknown = (await loadModule(file)).pick('limits');
  if (!Array.isArray(list) || list.length === 0 || !list.every(isWatched)) {
    throw new UsageError('the module must export limits: [{ store, name, limits: [limit] }].');
  }
  const wanted = list.filter((each) => name === undefined || each.name === name);
  if (wanted.length > 0) return wanted;
  throw new UsageError(`the limits are ${list.map((each) => each.name).join(', ')}.`);
}

/** What the store and the limits lack is told by `readLimits`. */
function isWatched(value: unknown): value is Watched {
  return (
    isObject(value) &&
    typeof value['name'] === 'string' &&
    isObject(value['store']) &&
    Array.isArray(value['limits'])
  );
}
