/** One run over one payload. */
export interface FilterRun {
  /** How many members and items may still be looked at. */
  left: number;
  /** How many were taken out. */
  dropped: number;
  /** By the number of the restriction. */
  readonly visible: readonly boolean[];
  /** Answers false where the object must not go out. */
  readonly ownedBy: ((object: object) => boolean) | undefined;
  /** Whether a loop over the members of any object finds some of `Object.prototype`. */
  readonly isPolluted: boolean;
  /** Set as soon as the payload cannot go out. */
  failed: Unreleasable | undefined;
}

/** Why a payload cannot go out: where it is not what the shape says, or an object is another tenant's. */
export interface Unreleasable {
  readonly reason: 'shape' | 'tenant';
  readonly where: string;
}

export function startRun(
  left: number,
  visible: readonly boolean[],
  ownedBy: FilterRun['ownedBy'],
): FilterRun {
  let isPolluted = false;
  for (const _ in Object.prototype) isPolluted = true;
  return { left, dropped: 0, visible, ownedBy, isPolluted, failed: undefined };
}

/** Fails the run. What is still looked at ends at once, since nothing is left of its bound. */
export function fail(run: FilterRun, reason: Unreleasable['reason'], where: string): undefined {
  run.failed ??= { reason, where };
  run.left = -1;
  return undefined;
}
