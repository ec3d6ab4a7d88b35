export {
  type Alert,
  type AlertRule,
  type AlertsOptions,
  alerts,
  type EventMatch,
} from './alerts.ts';
export {
  type AnomaliesOptions,
  type Anomaly,
  type AnomalySign,
  anomalies,
} from './anomalies.ts';
export type { RollupStats } from './rollups.ts';
export { type SuggestedLimit, type Usage, type UsageOptions, usage } from './usage.ts';
export {
  type UsageHistoryQuery,
  type UsageHistoryRow,
  usageHistory,
} from './usage-history.ts';
export type { UsageDimension, UsageRow, UsageWindow } from './usage-tables.ts';
