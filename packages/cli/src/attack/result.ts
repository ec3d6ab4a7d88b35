import type { Attack } from './attack.ts';

/** How one attack ended. */
export interface Result {
  readonly id: string;
  readonly owasp: string;
  readonly title: string;
  /** `withstood`: it got nowhere; `succeeded`: see `evidence`; `skipped`: the user gave nothing to try it with. */
  readonly outcome: 'withstood' | 'succeeded' | 'skipped';
  readonly evidence?: string | undefined;
}

export function resultOf(
  { id, owasp, title }: Attack,
  outcome: Result['outcome'],
  evidence?: string,
): Result {
  return { id, owasp, title, outcome, evidence };
}
