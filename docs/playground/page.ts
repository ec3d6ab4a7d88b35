import type { Answers, Shown } from './evaluate.ts';
import {
  fragmentOf,
  isState,
  MAX_CALLS,
  type PlaygroundState,
  PRESETS,
  stateFrom,
} from './state.ts';

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`#${id} is missing from the page`);
  return found;
}
/** Inputs, lists and texts alike have a value; the page and this script are of one build. */
const field = (id: string) => element(id) as HTMLInputElement;
const FIELDS = ['policy', 'claims', 'token', 'method', 'path', 'headers', 'calls'] as const;
const PROTOCOLS = ['http', 'graphql', 'grpc'] as const;
const LONGEST_MS = 5_000;
/** More would only be in the way of the page. */
const MAX_TEXT = 20_000;
const preset = element('preset') as HTMLSelectElement;
const status = element('status');
let frame: HTMLIFrameElement | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;

function read(): PlaygroundState | undefined {
  const values: Record<string, unknown> = {};
  for (const name of FIELDS) values[name] = field(name).value;
  const state: unknown = { ...values, calls: Number(values['calls']) };
  return isState(state) ? state : undefined;
}

function write(state: PlaygroundState): void {
  for (const name of FIELDS) field(name).value = String(state[name]);
}

function run(): void {
  const state = read();
  if (!state) {
    show({ problem: 'Send between 1 and 20 calls.' });
    return;
  }
  history.replaceState(null, '', `#${fragmentOf(state)}`);
  status.textContent = 'running';
  end();
  // A new one each time, which has nothing of the last run and can be taken away while it runs.
  const made = document.createElement('iframe');
  made.title = 'Runs the policy';
  made.hidden = true;
  made.setAttribute('sandbox', 'allow-scripts');
  made.src = './frame.html';
  frame = made;
  document.body.append(made);
  timer = setTimeout(() => {
    end();
    show({ problem: `The policy was stopped after ${LONGEST_MS / 1_000} seconds.` });
  }, LONGEST_MS);
  asked = state;
}

let asked: PlaygroundState | undefined;

function end(): void {
  clearTimeout(timer);
  frame?.remove();
  frame = undefined;
}

function show(answers: Answers): void {
  const problem = 'problem' in answers ? answers.problem : '';
  element('problem').textContent = problem;
  for (const protocol of PROTOCOLS) {
    const shown = 'problem' in answers ? NOTHING : answers[protocol];
    element(`${protocol}-answer`).textContent = shown.answer;
    element(`${protocol}-decision`).textContent = shown.decision;
    element(`${protocol}-calls`).textContent = shown.calls.join(', ');
  }
  status.textContent = problem === '' ? 'done' : 'failed';
}

const NOTHING: Shown = { answer: '', decision: '', calls: [] };

/** What the frame says may be a stranger's: only some text is taken of it, and shown as text. */
function answersFrom(value: unknown): Answers {
  const given = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (given['problem'] !== undefined) return { problem: textFrom(given['problem']) || 'failed' };
  const [http, graphql, grpc] = PROTOCOLS.map((protocol) => shownFrom(given[protocol]));
  return { http: http ?? NOTHING, graphql: graphql ?? NOTHING, grpc: grpc ?? NOTHING };
}

function shownFrom(value: unknown): Shown {
  const { answer, decision, calls } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return {
    answer: textFrom(answer),
    decision: textFrom(decision),
    calls: Array.isArray(calls) ? calls.slice(0, MAX_CALLS).map(textFrom) : [],
  };
}

const textFrom = (value: unknown) => (typeof value === 'string' ? value.slice(0, MAX_TEXT) : '');

for (const name of Object.keys(PRESETS)) preset.append(new Option(name, name));
preset.addEventListener('change', () => {
  const state = PRESETS[preset.value];
  if (!state) return;
  write(state);
  run();
});
element('run').addEventListener('click', run);
element('share').addEventListener('click', () => {
  const state = read();
  if (!state) return;
  history.replaceState(null, '', `#${fragmentOf(state)}`);
  void navigator.clipboard?.writeText(location.href).then(
    () => void (status.textContent = 'link copied'),
    () => void (status.textContent = 'the link is in the address bar'),
  );
});
addEventListener('keydown', ({ key, ctrlKey, metaKey }) => {
  if (key === 'Enter' && (ctrlKey || metaKey)) run();
});
const shared = stateFrom(location.hash.slice(1));
write(shared ?? Object.values(PRESETS)[0] ?? ({} as PlaygroundState));
addEventListener('message', ({ source, data }: MessageEvent<unknown>) => {
  if (!frame || source !== frame.contentWindow) return;
  const { answers, ready } = (data ?? {}) as {
    readonly answers?: unknown;
    readonly ready?: unknown;
  };
  if (ready === true) frame.contentWindow?.postMessage(asked, '*');
  else if (answers !== undefined) {
    end();
    show(answersFrom(answers));
  }
});
// What somebody else wrote waits until the reader runs it.
if (shared) status.textContent = 'from a link: read it, then run it';
else run();
