export {
  type KeyAge,
  type LoggerLike,
  type Telemetry,
  type TelemetryOptions,
  telemetry,
} from './telemetry.ts';
