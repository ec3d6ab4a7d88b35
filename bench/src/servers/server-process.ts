import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { countAnswers } from './answer.ts';
import { type GcFigures, watchGc } from './gc.ts';
import { isHostName } from './plan.ts';
import type { World } from './world.ts';

/** What a server process tells its parent. */
export type ServerMessage =
  | { readonly kind: 'listening'; readonly port: number }
  | ({ readonly kind: 'measured' } & Measured);

/** One window of one process. */
export interface Measured {
  readonly answers: number;
  readonly cpuMicros: number;
  readonly elapsedMicros: number;
  readonly gc: GcFigures;
  readonly rssBytes: number;
}

/** What is measured, in CPU time of the server process: on a busy machine as much as on a quiet one. */
export interface Window {
  /** Answers before it: every token was seen many times, and the code was compiled. */
  readonly warmUpAnswers: number;
  /** Before it, at least. */
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

/** What a parent asks of it. */
export type Ask = { readonly kind: 'measure'; readonly window: Window } | { readonly kind: 'stop' };

/** One of `hosts/`. */
export interface HostModule {
  /** Answers the port on loopback where the variant listens. */
  readonly start: (variant: string, world: World) => Promise<number>;
}

const tell = (message: ServerMessage) => process.send?.(message);

const [host = '', variant = '', worldFile = ''] = process.argv.slice(2);
if (!isHostName(host)) throw new TypeError(`"${host}" is not a host`);
// Written by the parent, from a World.
const world = JSON.parse(readFileSync(worldFile, 'utf8')) as World;
const { start } = (await import(`./hosts/${host}.ts`)) as HostModule;

const gc = watchGc();
const now = () => ({
  answers: countAnswers(),
  cpuMicros: cpuMicros(),
  elapsedMicros: performance.now() * 1000,
});

process.on('message', (ask: Ask) => {
  if (ask.kind === 'stop') process.exit();
  void measure(ask.window);
});
// No server outlives whoever started it.
process.on('disconnect', () => process.exit());

tell({ kind: 'listening', port: await start(variant, world) });

async function measure({ warmUpAnswers, warmUpSeconds, seconds }: Window): Promise<void> {
  const started = cpuMicros();
  while (countAnswers() < warmUpAnswers) await pause(10);
  await spent(started + warmUpSeconds * 1e6);
  gc.take();
  const began = now();
  await spent(began.cpuMicros + seconds * 1e6);
  const ended = now();
  tell({
    kind: 'measured',
    answers: ended.answers - began.answers,
    cpuMicros: ended.cpuMicros - began.cpuMicros,
    elapsedMicros: ended.elapsedMicros - began.elapsedMicros,
    gc: gc.take(),
    rssBytes: process.memoryUsage.rss(),
  });
}

function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

async function spent(micros: number): Promise<void> {
  while (cpuMicros() < micros) await pause(10);
}
