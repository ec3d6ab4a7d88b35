import { type Answers, evaluate } from './evaluate.ts';
import { isState } from './state.ts';

/** What the frame says to the page. */
export type Message = { readonly ready: true } | { readonly answers: Answers };

// Opened by itself, or framed without a sandbox, it would run a stranger's code with the rights of this site.
if (globalThis.origin === 'null' && globalThis.parent !== globalThis.self) {
  // The page and this frame know each other by their windows: a sandboxed origin cannot be named.
  const say = (message: Message) => parent.postMessage(message, '*');
  addEventListener('message', ({ source, data }: MessageEvent<unknown>) => {
    if (source === parent && isState(data)) void evaluate(data).then((answers) => say({ answers }));
  });
  say({ ready: true });
}
