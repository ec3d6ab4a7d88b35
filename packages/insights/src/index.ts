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
export {
  type SuggestedLimit,
  type Usage,
  type UsageDimension,
  type UsageOptions,
  type UsageRow,
  type UsageWindow,
  usage,
} from './usage.ts';
