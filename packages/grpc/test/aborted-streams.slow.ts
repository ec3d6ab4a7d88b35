import { test } from 'vitest';
import { abortStreams } from './aborted-streams.ts';

test(
  'ten thousand streams that were aborted at every moment leave nothing behind',
  { timeout: 300_000 },
  () => abortStreams(10_000),
);
