import { type Denial, fault } from '../engine/denial.ts';
import type { Enforcement } from '../engine/enforce.ts';
import type { BodyOutcome } from '../engine/obligations.ts';
import { chain, type MaybePromise } from '../lib/maybe-promise.ts';

/** A text that may go out, or the denial. */
export type ReleasedText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly denial: Denial };

/**
 * Shows a JSON text to the policies and answers the one that may go out instead.
 *
 * @param write puts JSON into the place where it goes. With it the text is always written anew, so that nothing goes
 * out which the policies have not seen: the first of two members of one name, say.
 */
export function releaseText(
  onRelease: NonNullable<Enforcement['onRelease']>,
  text: string,
  write?: (json: string) => string,
): MaybePromise<ReleasedText> {
  let payload: unknown;
  return chain<BodyOutcome, ReleasedText>(
    () => {
      payload = JSON.parse(text);
      return onRelease(payload);
    },
    (outcome) => {
      if (!outcome.ok) return outcome;
      try {
        if ('value' in outcome) payload = outcome.value;
        else if (write === undefined) return { ok: true, text };
        const json = JSON.stringify(payload);
        // A policy that puts `undefined` in place of a payload means to send nothing of it.
        if (json === undefined) return { ok: true, text: '' };
        return { ok: true, text: write === undefined ? json : write(json) };
      } catch (cause) {
        return unfilterable(cause);
      }
    },
    unfilterable,
  );
}

/** The denial of what cannot be shown to the policies, or not be written after them. */
export function unfilterable(cause?: unknown): ReleasedText & { readonly ok: false } {
  return { ok: false, denial: fault('release.unfilterable', cause) };
}
