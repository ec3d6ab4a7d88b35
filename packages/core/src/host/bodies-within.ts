import type { Denial } from '../engine/denial.ts';
import type { Enforcement } from '../engine/enforce.ts';
import type { BodyWatcher } from '../engine/obligations.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import {
  type FetchBodyBounds,
  type InspectedRequest,
  inspectRequest,
  type RawRequest,
  type ReleasedResponse,
  readRawBody,
  releaseResponse,
  type WatchedRequest,
  watchRequest,
} from './fetch-body.ts';

/** 1 MiB. */
export const DEFAULT_MAX_BODY_BYTES = 1_048_576;

/** Shows the bodies of calls and answers to policies; made by `fetchBodies`. */
export interface FetchBodies<out Raw extends boolean = boolean> {
  readonly raw: Raw;
  readonly inspect: (
    onMessage: NonNullable<Enforcement['onMessage']>,
    request: Request,
  ) => Promise<InspectedRequest>;
  readonly watch: (watcher: BodyWatcher, request: Request) => WatchedRequest;
  readonly release: (
    onRelease: NonNullable<Enforcement['onRelease']>,
    response: Response,
    cutOff: (denial: Denial) => void,
  ) => Promise<ReleasedResponse>;
  readonly read: (request: Request) => Promise<RawRequest>;
}

/** What `fetchBodies` makes, for hosts, which have checked the bounds. */
export function bodiesWithin<Raw extends boolean>(
  bounds: FetchBodyBounds,
  raw: Raw,
): FetchBodies<Raw> {
  return Object.freeze({
    raw,
    inspect: (onMessage, request) => inspectRequest(onMessage, request, bounds),
    watch: watchRequest,
    release: releaseResponse,
    read: (request) => readRawBody(request, bounds),
  } satisfies FetchBodies<Raw>);
}

/**
 * Denies a limit that would limit nothing.
 *
 * @throws ConfigurationError
 */
export function assertBodyLimit(maxBodyBytes: number | undefined, where: string): void {
  assertConfiguration(
    maxBodyBytes === undefined || (Number.isSafeInteger(maxBodyBytes) && maxBodyBytes > 0),
    `${where}: maxBodyBytes must be a whole number of bytes, 1 or more.`,
  );
}
