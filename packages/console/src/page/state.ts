import type { AuditEvent } from '@apisec/core';
import type { Abilities, Second, Snapshot, Tick } from '../wire.ts';

/** Everything that the page knows. */
export interface State {
  abilities: Abilities;
  latest: Snapshot | undefined;
  readonly seconds: Map<number, Second>;
  /** The oldest first. */
  events: AuditEvent[];
  /** Events that the server left out of the stream. */
  left: number;
}

const MOST_EVENTS = 1_000;
const MOST_SECONDS = 300;

export const state: State = {
  abilities: { acts: false, limits: false, keys: false, sessions: false },
  latest: undefined,
  seconds: new Map(),
  events: [],
  left: 0,
};

/** Takes what the stream sends. */
export function take(message: Snapshot | Tick): void {
  const isSnapshot = 'since' in message;
  if (isSnapshot) {
    state.seconds.clear();
    state.left = 0;
  } else {
    state.left += message.left;
  }
  const known = new Set(state.events.map(({ id }) => id));
  const fresh = message.events.filter(({ id }) => !known.has(id));
  if (fresh.length > 0) state.events = [...state.events, ...fresh].slice(-MOST_EVENTS);
  for (const second of message.seconds) state.seconds.set(second[0], second);
  const oldest = Math.floor(message.now / 1_000) - MOST_SECONDS;
  for (const second of state.seconds.keys()) if (second < oldest) state.seconds.delete(second);
  state.latest = { since: state.latest?.since ?? message.now, ...message };
}

const base = new URL('.', location.href);

export async function load<T>(path: string): Promise<T> {
  const response = await fetch(new URL(path, base));
  if (!response.ok) throw new Error(await problemOf(response));
  return (await response.json()) as T;
}

/** A POST of this origin: what looks something up by name, and every act. */
export async function post<T>(path: string, body: object): Promise<T> {
  const response = await fetch(new URL(path, base), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(await problemOf(response));
  return (await response.json()) as T;
}

async function problemOf(response: Response): Promise<string> {
  const problem = (await response.json().catch(() => ({}))) as {
    readonly detail?: unknown;
    readonly code?: unknown;
  };
  const detail = typeof problem.detail === 'string' ? problem.detail : 'That did not work.';
  return `${detail} (${response.status}${typeof problem.code === 'string' ? `, ${problem.code}` : ''})`;
}

/** Stays connected; the browser reconnects when the server ends the stream. */
export function connect(
  onMessage: () => void,
  onStatus: (status: 'live' | 'reconnecting' | 'denied') => void,
): void {
  const source = new EventSource(new URL('events', base));
  const receive = (event: MessageEvent<string>): void => {
    take(JSON.parse(event.data) as Snapshot | Tick);
    onStatus('live');
    onMessage();
  };
  source.addEventListener('snapshot', receive);
  source.addEventListener('tick', receive);
  source.addEventListener('error', () => {
    if (source.readyState !== EventSource.CLOSED) return onStatus('reconnecting');
    // Denied, or too many pages are live: browsers give up, so this tries again by itself.
    onStatus('denied');
    setTimeout(() => connect(onMessage, onStatus), 10_000);
  });
}
