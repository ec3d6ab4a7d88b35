// For authors of adapters and of other apisec packages: `@apisec/core/host`.

export { type Duration, type DurationBounds, durationMs } from './lib/duration.ts';
export { assertKnownOptions } from './lib/known-options.ts';
