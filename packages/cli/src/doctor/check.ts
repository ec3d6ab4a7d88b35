import type { ServedOperation } from '@apisec/core';
import type { Target } from '../attack/attack.ts';

/** What the user gave to look at. */
export interface Patient {
  /** What the application serves. */
  readonly inventory?: readonly ServedOperation[] | undefined;
  /** Operations that lack something on purpose. */
  readonly except: readonly string[];
  /** A protected operation of the running API, and how to send to it. */
  readonly target?: Target | undefined;
  /** The same operation without TLS, where that is not at port 80. */
  readonly plain?: URL | undefined;
  /** Certificates of authorities in PEM, in the place of the runtime's own. */
  readonly ca?: string | undefined;
  /** An access token that the API admits. */
  readonly token?: string | undefined;
  /** A file or an address. */
  readonly jwks?: string | undefined;
  readonly redis?: string | undefined;
  readonly envFile?: string | undefined;
  /** Where files with secrets are looked for. */
  readonly folder?: string | undefined;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** One line of the checklist. */
export interface Check {
  readonly id: string;
  /** What is right when it passes. */
  readonly title: string;
  /** What the user has to give before it can be looked at; undefined where it can be. */
  readonly needs: (patient: Patient) => string | undefined;
  /** What is wrong, in one sentence without any secret; undefined where nothing is. */
  readonly run: (patient: Patient) => Promise<string | undefined>;
}

export const needsUrl = ({ target }: Patient): string | undefined =>
  target === undefined ? '--url' : undefined;

/** For checks that {@link needsUrl} stands in front of. */
export function targetOf({ target }: Patient): Target {
  if (target === undefined) throw new TypeError('There is no target.');
  return target;
}
