import { parseArgs } from 'node:util';
import { HOSTS, type HostName, isHostName } from './plan.ts';
import type { Window } from './server-process.ts';
import { POOL_SIZE } from './world.ts';

/** What is measured, and for how long. */
export interface Options {
  readonly hosts: readonly HostName[];
  readonly growth: boolean;
  readonly rounds: number;
  readonly window: Window;
  /** Where the figures go as JSON. */
  readonly out: string;
  /** Where each server process leaves a CPU profile, if anywhere. */
  readonly profile: string | undefined;
}

const OUT = `${import.meta.dirname}/../../results/servers.json`;

/** `servers [host …] [growth] [--rounds N] [--seconds N] [--quick] [--out FILE] [--profile DIRECTORY]`. */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      out: { type: 'string', default: OUT },
      profile: { type: 'string' },
    },
  });
  const unknown = positionals.find((name) => name !== 'growth' && !isHostName(name));
  if (unknown !== undefined) {
    throw new TypeError(`"${unknown}" is not a host; write one of ${HOSTS.join(', ')}, growth.`);
  }
  const all = positionals.length === 0;
  return {
    hosts: all ? HOSTS : positionals.filter(isHostName),
    growth: all || positionals.includes('growth'),
    rounds: positive('rounds', values.rounds, values.quick ? 1 : 3),
    window: {
      warmUpAnswers: 20 * POOL_SIZE,
      warmUpSeconds: values.quick ? 0.5 : 1,
      seconds: positive('seconds', values.seconds, values.quick ? 0.5 : 1.5),
    },
    out: values.out,
    profile: values.profile,
  };
}

function positive(option: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!(value > 0)) throw new TypeError(`--${option} must be a number above 0, not "${text}".`);
  return value;
}
