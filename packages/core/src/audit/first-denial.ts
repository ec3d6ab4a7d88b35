import type { DenialLog } from '../engine/denial-log.ts';
import { logDenials } from './log-denials.ts';

const OTHERS =
  '  (shown once: NODE_ENV=development shows every denial, the option logDenials writes them to a log)';

/** One for all hosts of a process. */
let first: DenialLog | undefined;

/** Text on the terminal for the first denial of the process; later ones cost nothing. */
export function firstDenial(): DenialLog {
  return (first ??= made());
}

function made(): DenialLog {
  let isShown = false;
  const log = logDenials({
    format: 'text',
    write: (text) => {
      if (isShown) return;
      isShown = true;
      // oxlint-disable-next-line no-console -- developers have nothing else to look at
      console.error(`${text}\n${OTHERS}`);
    },
  });
  return Object.freeze<DenialLog>({
    ...log,
    join: (decision, request) => (isShown ? decision : log.join(decision, request)),
  });
}
