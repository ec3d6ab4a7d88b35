export type { SessionsLike } from './acts.ts';
export { type ConsoleFeed, type ConsoleFeedOptions, consoleFeed } from './console-feed.ts';
export {
  type ConsoleHostOptions,
  type ConsoleRoutes,
  type ConsoleRoutesOptions,
  consoleRoutes,
} from './console-routes.ts';
export type { CoverageTable } from './coverage-lines.ts';
export type { UsageLike, WatchedLimit } from './limits-answer.ts';
