export { methodPath, serviceDefinition } from './clients/service.ts';
export type {
  Capability,
  ConformanceApi,
  Operation,
  Protocol,
  Reply,
  Served,
  Subject,
} from './subject.ts';
export { describeConformance } from './suite.ts';
export { restNames, tableOf } from './table.ts';
