export type { KeyAge } from './instruments.ts';
export {
  type LoggerLike,
  type Telemetry,
  type TelemetryOptions,
  telemetry,
} from './telemetry.ts';
