import type { AuditEvent, AuditSinkStats } from '@apisec/core';

/** One second: its epoch second, and how many calls ended how. */
export type Second = readonly [
  second: number,
  succeeded: number,
  denied: number,
  failed: number,
  aborted: number,
];

/** A name, and how often it was seen in the last minutes. */
export type Count = readonly [name: string, count: number];

/** What the stream sends at its beginning, and whenever a page has fallen behind. */
export interface Snapshot {
  readonly now: number;
  /** When the feed began. */
  readonly since: number;
  readonly seconds: readonly Second[];
  readonly codes: readonly Count[];
  readonly degraded: readonly Count[];
  readonly shadow: readonly Count[];
  readonly sinks: readonly AuditSinkStats[];
  /** The oldest first. */
  readonly events: readonly AuditEvent[];
}

/** What the stream sends from then on: the seconds that changed and the events that are new. */
export interface Tick extends Omit<Snapshot, 'since'> {
  /** New events that were not sent, since there were too many. */
  readonly left: number;
}

/** What guards an operation, by what the guard's policies are for. */
export interface CoverageLine {
  readonly table: string;
  readonly operation: string;
  readonly authentication: readonly string[];
  readonly grant: readonly string[];
  readonly limit: readonly string[];
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly other: readonly string[];
  /** Policies on trial. */
  readonly shadow: readonly string[];
  /** Anybody passes. */
  readonly open: boolean;
  readonly calls: number;
  readonly denied: number;
}

/** Which lines are shown. */
export type CoverageShow = 'all' | 'open' | 'unlimited' | 'unchecked' | 'uncalled' | 'trial';

export interface CoverageAnswer {
  readonly since: number;
  /** One page of the lines that were asked for. */
  readonly lines: readonly CoverageLine[];
  /** Where the page begins. */
  readonly from: number;
  /** How many lines there are like that. */
  readonly total: number;
  /** Called, and in no table. */
  readonly unlisted: readonly Count[];
  /** Deprecated ones first, then the most called. */
  readonly versions: readonly VersionLine[];
  /** Who calls which version: callers of deprecated ones first, then the most frequent. */
  readonly versionCallers: readonly VersionCaller[];
}

/** One version of the API, in use or declared by `apiVersion`. Instants are epoch milliseconds. */
export interface VersionLine {
  readonly version: string;
  /** `ended`: its calls are denied by now. `unknown`: no table says anything about it. */
  readonly state: 'current' | 'deprecated' | 'ended' | 'unknown';
  readonly deprecatedAt?: number | undefined;
  readonly sunsetAt?: number | undefined;
  readonly successor?: string | undefined;
  /** Tables that tell it apart. */
  readonly tables: readonly string[];
  /** In the last day. */
  readonly calls: number;
  /** Distinct ones since the day began, where `usage` counts them. */
  readonly callers?: number | undefined;
}

export interface VersionCaller {
  readonly version: string;
  readonly caller: string;
  readonly calls: number;
  readonly state: VersionLine['state'];
}

/** What policies on trial would have done in the last day. */
export interface ShadowAnswer {
  readonly trials: readonly {
    readonly operation: string;
    readonly policy: string;
    readonly code: string;
    /** Calls that it would have denied. */
    readonly would: number;
    /** Those of them that nobody else denied. */
    readonly admitted: number;
  }[];
  /** On trial, and would have denied nothing. */
  readonly silent: readonly {
    readonly table: string;
    readonly operation: string;
    readonly policy: string;
    readonly calls: number;
  }[];
}

export interface LimitsAnswer {
  /** Names of the limits that can be read. */
  readonly limits: readonly string[];
  readonly hottest: readonly {
    /** Stands for the caller, and tells nothing of them. */
    readonly alias: string;
    readonly calls: number;
    readonly denied: number;
  }[];
  readonly suggested: readonly {
    readonly operation: string;
    readonly perMinute: number;
    readonly observations: number;
  }[];
}

/** What is left of one limit. */
export interface BalanceLine {
  readonly algorithm: string;
  readonly capacity: number;
  readonly remaining: number;
  readonly resetAfterMs: number;
}

/** What the page may do. */
export interface Abilities {
  readonly acts: boolean;
  readonly limits: boolean;
  readonly keys: boolean;
  readonly sessions: boolean;
}
